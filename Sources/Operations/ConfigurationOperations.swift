/// Configuration files, and what is in force.
let configurationOperations: [Operation] = [
    Operation(
        "config.check", .client, .read, "Check a configuration file without starting anything.",
        discussion: """
            Every problem of the file is printed, with its line, the value found and what was expected. The exit status \
            is 0 if the server would start with it, and 78 if not.
            """,
        arguments: [.init("file", .file, .required, .positional, "The configuration file.")]),
    Operation(
        "config.show", .master, .read, "Show what holds of every option, and where it comes from.",
        discussion: """
            Without a file, the configuration in force is shown. Passwords and keys are not. An option that stands \
            in the file has its line; one with another spelling there has that, too.
            """,
        arguments: [.init("file", .file, .optional, .positional, "A configuration file instead of what is in force.")],
        result: .object([
            .init("configuration", .text, "The file."),
            .init(
                "rows",
                .list(
                    .object([
                        .init("path", .text, "The option."),
                        .init("value", .text, "Its value as the file would have it, or how it is found."),
                        .init("origin", .text, "One of file, default and computed."),
                        .init("line", .integer, optional: true, "The line in the file."),
                        .init("spelling", .text, optional: true, "The key that the file has for it."),
                    ])), "The options."),
        ])),
    Operation(
        "config.options", .client, .read, "List the options that a configuration file may have.",
        discussion: """
            Each has its name, what it takes, its default, the releases of MongooseIM that have it, what holds of it in \
            this version, and what it is for.
            """,
        arguments: [.init("name", .text, .optional, .positional, "An option, a table, or a part of a name.")]),
    Operation(
        "config.import", .client, .read, "Report what a mongooseim.toml comes to here.",
        discussion: """
            Every setting of the file is in one of four groups: what the server refuses, as 'config check' says it; \
            what is accepted without effect in this version; what means something else here; what works. A last line \
            counts them. Nothing is written: the file can be used as it is. The exit status is 0 if the server would \
            start with it, and 78 if not.
            """,
        arguments: [.init("file", .file, .required, .positional, "The configuration file.")]),
]
