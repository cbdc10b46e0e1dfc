/// `[acl]`, `[access]` and `[shaper]`: who is who, who may what, and how fast.
enum AccessOptions {
    static let rows: [OptionRow] = acl + access + shaper

    private static let acl: [OptionRow] =
        [
            OptionRow("acl", .section, .present, "Classes of users.", effect: ReloadEffect.nextQuestion),
            OptionRow(
                "acl.*", .sections, .unset, "A class: users that one of its patterns matches.", effect: ReloadEffect.nextQuestion),
        ]
        + OptionRow.under(
            "acl.*[]", effect: ReloadEffect.nextQuestion,
            [
                OptionRow(
                    "match", .choices("all", "current_domain", "any_hosted_domain", "none"), .text("current_domain"),
                    "Users of which domains: all, the one in question, any of ours, none."),
                OptionRow("user", .text(.localPart), .unset, "The user's name."),
                OptionRow("user_regexp", .text(.regularExpression), .unset, "What the user's name matches."),
                OptionRow("user_glob", .text(.glob), .unset, "What the user's name matches."),
                OptionRow("server", .text(.domain), .unset, "The user's domain."),
                OptionRow("server_regexp", .text(.regularExpression), .unset, "What the user's domain matches."),
                OptionRow("server_glob", .text(.glob), .unset, "What the user's domain matches."),
                OptionRow("resource", .text(.resource), .unset, "The user's resource."),
                OptionRow("resource_regexp", .text(.regularExpression), .unset, "What the resource matches."),
                OptionRow("resource_glob", .text(.glob), .unset, "What the resource matches."),
            ])

    private static let access: [OptionRow] = [
        OptionRow("access", .section, .present, "Rules: what holds for which class.", effect: ReloadEffect.nextQuestion),
        OptionRow(
            "access.*", .sections, .unset,
            "A rule: its first clause whose class has the user counts; without one the user is denied.",
            effect: ReloadEffect.nextQuestion),
        OptionRow(
            "access.*[].acl", .name, .required, "The class; all and none are there already.", effect: ReloadEffect.nextQuestion),
        OptionRow(
            "access.*[].value", .either([.name, .integer(0...Int64(Int32.max), .none)]), .required,
            "allow, deny, the name of a shaper, or a number.", effect: ReloadEffect.nextQuestion),
    ]

    private static let shaper: [OptionRow] = [
        OptionRow("shaper", .section, .present, "Limits on the rate of incoming traffic."),
        OptionRow("shaper.*", .section, .unset, "A shaper."),
        OptionRow(
            "shaper.*.max_rate", .positive(.bytesPerSecond), .required,
            "The rate: bytes a second for streams, operations a second for archives."),
        OptionRow(
            "shaper.*.maxrate", .positive(.bytesPerSecond), .unset, "The same as max_rate.", alias: .of("max_rate")),
    ]
}
