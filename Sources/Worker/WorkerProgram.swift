internal import Glibc
internal import IPC
public import Kernel
internal import Network
internal import SharedState
internal import Telemetry

/// The worker program: `xmppd-worker`, started by the master and by nobody else.
public enum WorkerProgram {
    private static let usageStatus: Int32 = 64
    private static let ioErrorStatus: Int32 = 74
    private static let accountStatus: Int32 = 77

    /// Runs until the master says stop or is gone. The result is the exit status.
    public static func run(_ words: [String], catalog: [any Module.Type]) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        if words.first == "--check" { return check(Array(words.dropFirst())) }
        if words == ["--versions"] {
            let line = "\(ProgramVersions(segment: SharedSegment.layoutVersion))\n"
            return line.withCString { write(STDOUT_FILENO, $0, line.utf8.count) } == line.utf8.count ? 0 : ioErrorStatus
        }
        guard let arguments = WorkerArguments(words) else {
            let text = "xmppd-worker: this program is started by xmppd, not by hand\n"
            _ = text.withCString { write(STDERR_FILENO, $0, text.utf8.count) }
            return usageStatus
        }
        Log.start(process: "worker[\(arguments.place)]", level: LogLevel(rawValue: arguments.logLevel) ?? .warning)
        guard become(arguments.account) else { return accountStatus }
        nonisolated(unsafe) var status: Int32 = 0
        Loop.run {
            MasterConnection.shared = MasterConnection(arguments: arguments, catalog: catalog) {
                status = $0
                Loop.stop()
            }
        }
        return status
    }

    private static func check(_ words: [String]) -> Int32 {
        let triesStorage = words.first == "--storage"
        let words = triesStorage ? Array(words.dropFirst()) : words
        if words.first == "--account", words.count == 2 {
            guard let account = ProcessAccount(words[1]), become(account) else { return accountStatus }
        } else if !words.isEmpty {
            return usageStatus
        }
        return ConfigurationCheck.run(triesStorage: triesStorage)
    }

    /// Gives up root for good, before the first byte of anybody else is read.
    private static func become(_ account: ProcessAccount?) -> Bool {
        guard let account, getuid() == 0 else { return true }
        guard initgroups(account.name, account.group) == 0, setgid(account.group) == 0, setuid(account.user) == 0 else {
            Log.error("cannot become the configured user", [Field("account", account.name), Field("errno", errno)])
            return false
        }
        return true
    }
}
