internal import IPC

/// Accounts of the server's own user database.
let accountOperations: [Operation] = [
    Operation(
        "account.add", .anyWorker, .write, "Create an account.", discussion: passwordSources,
        arguments: [address, password], result: jidOnly),
    Operation(
        "account.remove", .anyWorker, .write, "Delete an account with everything it owns, and close its sessions.",
        arguments: [address], result: jidOnly),
    Operation(
        "account.passwd", .anyWorker, .write, "Change the password of an account.", discussion: passwordSources,
        arguments: [address, password], result: jidOnly),
    Operation(
        "account.exists", .anyWorker, .read, "Tell whether an account exists.",
        discussion: "The exit status is 0 if it does, and 1 if not.", arguments: [address],
        result: .object([.init("exists", .flag, "Whether the account exists.")])),
    Operation(
        "account.list", .anyWorker, .read, "List accounts, in the order of their addresses.",
        arguments: [
            .init("domain", .domain, .optional, .positional, "Only the accounts of this domain."),
            .init("after", .bareJID, .optional, .named, "Only the accounts that follow this one."),
            .init("limit", .integer(1...10_000), .preset(1000), .named, "At most so many."),
        ],
        result: .object([
            .init("rows", .list(.object([.init("jid", .text, "The address of the account.")])), "The accounts."),
            .init("more", .flag, "Whether others follow the last."),
        ])),
    Operation(
        "account.count", .anyWorker, .read, "Count accounts.",
        arguments: [.init("domain", .domain, .optional, .positional, "Only the accounts of this domain.")],
        result: .object([.init("count", .integer, "How many there are.")])),
]

private let address = Operation.Argument("jid", .bareJID, .required, .positional, "The address of the account, user@domain.")

private let password = Operation.Argument(
    "password", .secret, .required, .named,
    "The password. Other users of the machine can see it in the list of processes: leave it out to be asked.")

private let passwordSources = """
    Without --password the password is asked for, twice and without echo, or, if standard input is no terminal, read \
    from its first line.
    """

private let jidOnly = Operation.Shape.object([.init("jid", .text, "The address of the account, as the server writes it.")])
