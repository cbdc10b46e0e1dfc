/// `[[host_config]]`: what is different for one host. The sections in it have the keys they have at the top.
enum HostOptions {
    static let rows: [OptionRow] =
        [OptionRow("host_config", .sections, .list([]), "What is different for one host.")]
        + OptionRow.under(
            "host_config[]",
            [
                OptionRow("host", .text(.domain), .unset, "The host, one of general.hosts."),
                OptionRow(
                    "host_type", .name, .unset, "The host type, one of general.host_types.", state: .notYet),
                OptionRow("general", .section, .unset, "Overrides of general."),
                OptionRow(
                    "general.replaced_wait_timeout", .positive(.milliseconds), .unset,
                    "Overrides general.replaced_wait_timeout."),
                OptionRow(
                    "general.route_subdomains", .choices("s2s"), .unset, "Overrides general.route_subdomains."),
                OptionRow("auth", .section, .unset, "Replaces the section auth as a whole.", effect: ReloadEffect.newLogins),
                OptionRow("modules", .section, .unset, "Replaces the section modules as a whole.", effect: ReloadEffect.modules),
                OptionRow("acl", .section, .unset, "Adds patterns to the classes of acl.", effect: ReloadEffect.nextQuestion),
                OptionRow(
                    "access", .section, .unset, "Clauses that are tried before those of access.", effect: ReloadEffect.nextQuestion),
                OptionRow(
                    "s2s", .section, .unset,
                    "Replaces the section s2s as a whole, but for the encryption of incoming streams, which is that of the section at the top."
                ),
                OptionRow(
                    "outgoing_pools", .section, .unset, "Takes the place of pools of outgoing_pools for this host.",
                    editions: .later, state: .notYet),
            ])
}
