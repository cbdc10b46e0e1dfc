import IPC

/// External components: programs that serve domains of their own (XEP-0114).
let componentOperations: [Operation] = [
    Operation(
        "component.list", .anyWorker, .read, "List the domains that external components serve.",
        arguments: [],
        result: .object([
            .init(
                "rows",
                .list(
                    .object([
                        .init("domain", .text, "The domain."),
                        .init("address", .text, "Where the component connects from."),
                        .init("worker", .integer, "The place of the worker that has its connection."),
                        .init("hidden", .flag, "Whether it is left out of service discovery."),
                        .init("since", .integer, "When it was registered, in seconds since 1970."),
                    ])), "The domains, in order.")
        ])),
    Operation(
        "component.kick", .anyWorker, .write, "Close the connection of an external component.",
        arguments: [
            .init("domain", .domain, .required, .positional, "A domain that it serves."),
            .init("reason", .text, .optional, .named, "A text that the component is told."),
        ],
        result: .object([.init("domain", .text, "The domain.")])),
]
