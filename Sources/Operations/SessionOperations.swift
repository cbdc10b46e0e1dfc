internal import IPC

/// Sessions: clients that are logged in and have bound a resource.
///
/// A verb whose result has `rows` may send parts of them ahead as progress, each an object with `rows`, at most
/// `Operation.rowsPerPart`; the result has the rest.
let sessionOperations: [Operation] = [
    Operation(
        "session.list", .anyWorker, .read, "List the sessions of all workers.",
        arguments: [
            .init("jid", .bareJID, .optional, .positional, "Only the sessions of this account."),
            .init("domain", .domain, .optional, .named, "Only the sessions of this domain."),
            .init("limit", .integer(1...10_000), .preset(1000), .named, "At most so many."),
        ],
        result: .object([
            .init(
                "rows",
                .list(
                    .object([
                        .init("jid", .text, "The full address of the session."),
                        .init("address", .text, optional: true, "Where the client connects from."),
                        .init("worker", .integer, "The place of the worker that serves it."),
                        .init("priority", .integer, optional: true, "The priority of its presence, if it is available."),
                        .init("available", .flag, "Whether it sent available presence."),
                        .init(
                            "detached", .flag, optional: true,
                            "Whether its connection is gone and it waits to be resumed (XEP-0198)."),
                        .init("secure", .flag, optional: true, "Whether its connection is encrypted."),
                        .init("since", .integer, "When it was bound, in seconds since 1970."),
                    ])), "The sessions."),
            .init("more", .flag, "Whether there are more than the limit."),
        ])),
    Operation(
        "session.count", .anyWorker, .read, "Count the sessions of all workers.",
        arguments: [.init("domain", .domain, .optional, .positional, "Only the sessions of this domain.")],
        result: .object([.init("count", .integer, "How many there are.")])),
    Operation(
        "session.kick", .anyWorker, .write, "Close a session, or all sessions of an account.",
        arguments: [
            .init("jid", .jid, .required, .positional, "user@domain/resource for one session, user@domain for all of an account."),
            .init("reason", .text, .optional, .named, "A text that the client is told."),
        ],
        result: .object([.init("closed", .integer, "How many sessions were closed.")])),
]
