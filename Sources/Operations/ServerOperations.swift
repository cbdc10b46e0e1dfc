/// The server as a whole.
let serverOperations: [Operation] = [
    Operation(
        "start", .client, .write, "Start the server.",
        discussion: """
            Without options, and where systemd manages xmppd.service, the unit is started. Otherwise xmppd is started in \
            the background, and the command ends when all workers are ready. If xmppd gives up instead, its errors are \
            printed and its exit status becomes that of this command.
            """,
        arguments: [
            .init("foreground", .flag, .optional, .named, letter: "f", "Stay in the foreground and log to standard error."),
            .init("config", .file, .optional, .named, letter: "c", "The configuration file (default: /etc/xmppd/xmppd.toml)."),
            .init(
                "log", .file, .optional, .named, "Append the log to this file; without it, a server in the background does not log."
            ),
        ]),
    Operation(
        "stop", .master, .write, "Stop the server: end every stream in order, then leave.",
        discussion: "The command ends when the server is gone."),
    Operation(
        "restart", .master, .write, "Stop the server and start it again, or replace it while it serves.",
        discussion: """
            Without options, every stream is ended in order and the program is executed anew, by the same process; \
            clients connect again. With --rolling nobody is disconnected who can resume a stream (XEP-0198): one worker \
            after the other is replaced by one of the program as it is installed now; the old one accepts nothing new, \
            hands over its sessions and gives the others drain_timeout. The master's own program follows at the end. The \
            configuration in force stays: the file is read anew by xmppctl reload, and by a restart without options. \
            Either way the new programs are asked first whether they can take over; if not, nothing is stopped.
            """,
        arguments: [
            .init("rolling", .flag, .optional, .named, "Replace one worker after the other, then the master."),
            .init("master", .flag, .optional, .named, "Execute the master's program anew; workers and clients do not notice."),
        ],
        result: .object([
            .init("workers", .integer, "Workers that have been replaced one by one."),
            .init("master", .flag, "Whether the master's own program was executed anew."),
            .init("reason", .text, optional: true, "Why it was not."),
        ])),
    Operation(
        "status", .master, .read, "Show the master, its workers, the listeners and the connections to other services.",
        result: statusShape),
    Operation(
        "reload", .master, .write, "Read the configuration again and put it in force.",
        discussion: """
            The whole file is checked first, new addresses are bound, and every worker prepares it; if anything is wrong, \
            every problem is printed and nothing has changed. Otherwise each option that is different is printed, with what \
            that means, and how many sessions were closed because their host or their listener is gone.

            The exit status is 78 if the file is wrong, 69 if an address cannot be bound or a file of the server's own cannot \
            be had, and 1 if a worker failed.
            """,
        arguments: [.init("dry-run", .flag, .optional, .named, "Say what would change, and whether it could; change nothing.")],
        result: .object([
            .init("configuration", .text, "The file that was read."),
            .init("generation", .integer, optional: true, "How many configurations have been in force, this one included."),
            .init("dry_run", .flag, "Whether nothing was to change."),
            .init(
                "changes",
                .list(
                    .object([
                        .init("path", .text, "The option."),
                        .init("kind", .text, "One of changed, added and removed."),
                        .init("old", .text, optional: true, "Its value before."),
                        .init("new", .text, optional: true, "Its value now."),
                        .init("line", .integer, optional: true, "The line in the file."),
                        .init("effect", .text, "What that means for a server that runs."),
                    ])), "The options that are different."),
            .init(
                "closed",
                .list(
                    .object([
                        .init("cause", .text, "One of host and listener."),
                        .init("subject", .text, "The domain, or the address."),
                        .init("sessions", .integer, "Sessions that were closed."),
                        .init("others", .integer, "Streams without a session that were closed; on a dry run all of a listener."),
                    ])), "What was closed because something is gone."),
            .init("opened", .list(.text), "Listeners at new addresses."),
            .init("longest_pause_us", .integer, optional: true, "The longest time a worker did nothing else, in microseconds."),
            .init("notes", .list(.text), "What the file says that has no effect, or none before the next start."),
        ])),
    Operation(
        "log-level", .master, .write, "Show or set how much is logged, until the next start or reload.",
        arguments: [
            .init(
                "level",
                .choice(["none", "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug", "all"]),
                .optional, .positional, "The level to set; without it, the present one is shown.")
        ],
        result: .object([.init("level", .text, "The level in force.")])),
    Operation(
        "version", .master, .read, "Show the versions of this program and of the running server.",
        result: .object([.init("version", .text, "The version of the running server.")])),
    Operation(
        "setup", .client, .write, "Write a configuration for a domain, and help with the first steps.",
        discussion: """
            What is not given is asked for at a terminal. The file is judged by the server's own program before it takes \
            its place; a former one is kept beside it, as FILE.old, and one that somebody has edited is not replaced \
            without --force. A server that runs with the file reads it, and the account is made; otherwise the commands \
            for that are printed. At last the records by which clients and servers find the domain are looked up, and \
            those that are missing are printed as lines of a zone file.
            """,
        arguments: [
            .init("domain", .domain, .optional, .named, placeholder: "name", "The domain of the addresses."),
            .init("admin", .text, .optional, .named, placeholder: "name", "The name of the administrator's account."),
            .init("certificate", .file, .optional, .named, "Certificates in PEM (default: /etc/xmppd/cert.pem)."),
            .init("key", .file, .optional, .named, "Their private key in PEM (default: /etc/xmppd/key.pem)."),
            .init("file", .file, .optional, .named, "The file to write (default: /etc/xmppd/xmppd.toml)."),
            .init(
                "nameserver", .text, .optional, .named, placeholder: "address",
                "Ask this IPv4 address, with or without :port, for records."),
            .init("force", .flag, .optional, .named, "Replace a file that somebody has edited."),
        ]),
    Operation(
        "completion", .client, .read, "Print the completion script of a shell.",
        arguments: [.init("shell", .choice(["bash", "zsh", "fish"]), .required, .positional, "The shell.")]),
]
