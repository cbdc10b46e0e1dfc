/// `modules.mod_vcard.ldap`: visiting cards that are read from a directory.
enum VCardDirectoryOptions {
    /// Release 5 has the same keys beside the module's own, with `ldap_` before the name.
    static let rows: [OptionRow] =
        [
            OptionRow(
                "ldap", .section, .unset, "How cards in a directory are read.", editions: .release62, state: .notYet)
        ]
        + keys.flatMap { key in
            let name = key.path
            let isTop = !name.utf8.contains(UInt8(ascii: "["))
            return [
                OptionRow("ldap.\(name)", key.kind, key.default, key.sentence, editions: .release62, state: .notYet),
                OptionRow(
                    "ldap_\(name)", key.kind, isTop ? .unset : key.default, isTop ? "The same as ldap.\(name)." : key.sentence,
                    editions: .release5, state: .notYet, alias: isTop ? .of("ldap.\(name)") : nil),
            ]
        }

    private static let keys: [OptionRow] = [
        OptionRow("pool_tag", .name, .unset, "The pool of connections."),
        OptionRow("base", .name, .unset, "Where users are searched."),
        OptionRow("deref", .choices("never", "always", "finding", "searching"), .unset, "When aliases are followed."),
        OptionRow("filter", .name, .unset, "A condition on users, as an LDAP filter."),
        OptionRow("uids", .sections, .unset, "The attributes that hold the user name."),
        OptionRow("uids[].attr", .name, .required, "The attribute."),
        OptionRow("uids[].format", .name, .unset, "What it looks like; %u is the user name."),
        OptionRow("vcard_map", .sections, .unset, "How attributes become fields of a card."),
        OptionRow("vcard_map[].vcard_field", .name, .required, "The field of the card."),
        OptionRow("vcard_map[].ldap_pattern", .name, .required, "Its text; %s stands for an attribute."),
        OptionRow("vcard_map[].ldap_field", .name, .required, "The attribute."),
        OptionRow("search_fields", .sections, .unset, "What can be searched for."),
        OptionRow("search_fields[].search_field", .name, .required, "What the form says."),
        OptionRow("search_fields[].ldap_field", .name, .required, "The attribute."),
        OptionRow("search_reported", .sections, .unset, "What results show."),
        OptionRow("search_reported[].search_field", .name, .required, "What the form says."),
        OptionRow("search_reported[].vcard_field", .name, .required, "The field of the card."),
        OptionRow("search_operator", .choices("or", "and"), .text("and"), "Whether one condition is enough."),
        OptionRow("binary_search_fields", .strings, .unset, "Fields that hold no text."),
    ]
}
