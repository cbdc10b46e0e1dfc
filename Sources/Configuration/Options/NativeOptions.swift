/// `[xmppd]`: what belongs to this server's own shape; a file from elsewhere does not need it.
enum NativeOptions {
    static let rows: [OptionRow] =
        [OptionRow("xmppd", .section, .present, "What belongs to this server's own shape.", editions: .xmppd)]
        + processes + storage + names + security

    private static let processes = OptionRow.under(
        "xmppd",
        [
            OptionRow(
                "workers", .integer(1...64, .none), .computed("the number of processors online, at most 64"),
                "How many worker processes serve connections.", editions: .xmppd, effect: ReloadEffect.workers),
            OptionRow(
                "worker_program", .path, .computed("xmppd-worker beside xmppd, or in ../libexec/xmppd"),
                "The program a worker runs.", editions: .xmppd, effect: "workers that start from now on are this program"),
            OptionRow(
                "drain_timeout", .integer(0...3600, .seconds), .integer(30),
                "How long clients are given to leave when their worker is replaced or not needed any more.",
                editions: .xmppd, effect: "the next worker to leave follows it"),
            OptionRow(
                "stop_timeout", .integer(0...3600, .seconds), .integer(10),
                "How long an orderly stop may take until the workers are killed.", editions: .xmppd,
                effect: "the next stop follows it"),
            OptionRow(
                "watchdog_timeout", .integer(0...3600, .seconds), .integer(10),
                "How long a worker may give no sign of life until it is killed and replaced; 0 for ever.",
                editions: .xmppd),
            OptionRow(
                "control_socket", .path, .text("/run/xmppd/control.sock"), "The socket that xmppctl talks to.",
                editions: .xmppd, effect: "the new socket is there before the old one goes; requests under way are answered"),
            OptionRow(
                "pid_file", .path, .text("/run/xmppd/xmppd.pid"), "The file that holds the master's process id.",
                editions: .xmppd, effect: "the new file is there before the old one goes"),
            OptionRow(
                "user", .name, .computed("xmppd if the master runs as root and there is such a user"),
                "The user that workers run as if the master runs as root.",
                editions: .xmppd, effect: ReloadEffect.account),
            OptionRow(
                "group", .name, .computed("that of the user"),
                "The group that workers run as if the master runs as root.", editions: .xmppd, effect: ReloadEffect.account),
        ])

    private static let storage = OptionRow.under(
        "xmppd",
        [
            OptionRow("storage", .section, .present, "Where data are kept.", editions: .xmppd),
            OptionRow(
                "storage.path", .path, .text("/var/lib/xmppd/xmppd.sqlite"), "The SQLite database.",
                editions: .xmppd, effect: ReloadEffect.database),
        ])

    private static let names = OptionRow.under(
        "xmppd",
        [
            OptionRow("dns", .section, .present, "Who is asked for names.", editions: .xmppd),
            OptionRow(
                "dns.servers", .list(.text(.nameServer), atLeastOne: false), .computed("those of /etc/resolv.conf"),
                "The name servers, in the order in which they are asked.", editions: .xmppd,
                effect: "the next question goes to them"),
        ])

    private static let security = OptionRow.under(
        "xmppd",
        [
            OptionRow(
                "allow_plain_before_tls", .boolean, .boolean(false),
                "On a listener with optional TLS, take PLAIN and in-band registration before TLS, too.",
                editions: .xmppd, effect: ReloadEffect.newStreams),
            OptionRow(
                "max_stanza_size", .integer(65536...(1 << 30), .bytes), .integer(10 << 20),
                "The largest stanza where the listener's own max_stanza_size is \"infinity\".", editions: .xmppd),
            OptionRow(
                "before_login", .section, .present, "Limits for clients that have not logged in.", editions: .xmppd),
            OptionRow(
                "before_login.max_stanza_size", .integer(4096...(1 << 20), .bytes), .integer(16384),
                "The largest stanza before login.", editions: .xmppd, effect: ReloadEffect.newStreams),
            OptionRow(
                "before_login.max_auth_attempts", .integer(1...100, .none), .integer(5),
                "How many failed attempts to log in end the stream.", editions: .xmppd, effect: ReloadEffect.newStreams),
        ])
}
