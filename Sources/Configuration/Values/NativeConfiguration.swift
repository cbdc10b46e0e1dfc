/// What `[xmppd]` says.
public struct NativeConfiguration: Sendable, Equatable {
    /// Nil: one per processor.
    public let workers: Int?
    /// Nil: beside the master's own program.
    public let workerProgram: String?
    public let drainTimeout: Duration
    public let stopTimeout: Duration
    /// Zero: never.
    public let watchdogTimeout: Duration
    public let controlSocket: String
    public let pidFile: String
    public let user: String?
    public let group: String?
    /// The SQLite database.
    public let storagePath: String
    /// Name servers, each an address or one with a port; none: the system's.
    public let nameServers: [String]
    public let allowsPlainBeforeTLS: Bool
    /// The largest stanza, in bytes, where a listener says `"infinity"`.
    public let maxStanzaSize: Int
    public let beforeLogin: BeforeLogin

    /// Limits for clients that have not logged in.
    public struct BeforeLogin: Sendable, Equatable {
        /// In bytes.
        public let maxStanzaSize: Int
        public let maxAuthAttempts: Int
    }

    init(_ table: SettingTable) {
        workers = table.integer("workers")
        workerProgram = table.string("worker_program")
        drainTimeout = .seconds(table.integer("drain_timeout") ?? 30)
        stopTimeout = .seconds(table.integer("stop_timeout") ?? 10)
        watchdogTimeout = .seconds(table.integer("watchdog_timeout") ?? 10)
        controlSocket = table.string("control_socket") ?? ""
        pidFile = table.string("pid_file") ?? ""
        user = table.string("user")
        group = table.string("group")
        storagePath = table.string("storage.path") ?? ""
        nameServers = table.strings("dns.servers") ?? []
        allowsPlainBeforeTLS = table.boolean("allow_plain_before_tls") ?? false
        maxStanzaSize = table.integer("max_stanza_size") ?? 10 << 20
        beforeLogin = BeforeLogin(
            maxStanzaSize: table.integer("before_login.max_stanza_size") ?? 16384,
            maxAuthAttempts: table.integer("before_login.max_auth_attempts") ?? 5)
    }

    /// The directory of the control socket; what else lives as long as the server runs is kept there, too.
    public var runtimeDirectory: String {
        guard let slash = controlSocket.lastIndex(of: "/") else { return "." }
        return slash == controlSocket.startIndex ? "/" : String(controlSocket[..<slash])
    }
}
