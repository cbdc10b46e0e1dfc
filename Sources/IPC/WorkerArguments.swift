/// The command line that the master starts a worker with: what the worker must know before its hello.
///
/// `xmppd-worker --slot 1 --incarnation 3 --workers 2 --log-level info`
public struct WorkerArguments: Sendable, Equatable {
    /// 0 to 127; see `Contract.swift`.
    public var slot: UInt8
    /// Counts the processes that had this place, from 1.
    public var incarnation: UInt32
    /// How many positions there are, 1 to 64.
    public var workers: UInt8
    /// By its name in the configuration.
    public var logLevel: String
    /// The account to become before the first byte is read; nil to stay.
    public var account: ProcessAccount?

    public init(slot: UInt8, incarnation: UInt32, workers: UInt8, logLevel: String, account: ProcessAccount? = nil) {
        self.slot = slot
        self.incarnation = incarnation
        self.workers = workers
        self.logLevel = logLevel
        self.account = account
    }

    /// The worker's place as an administrator knows it, from 0.
    public var position: Int { Int(slot) % 64 }

    /// `1`, or `1b` in the second slot of position 1.
    public var place: String { "\(position)\(slot < 64 ? "" : "b")" }

    /// The arguments after the program's name.
    public var words: [String] {
        var words = [
            "--slot", "\(slot)", "--incarnation", "\(incarnation)", "--workers", "\(workers)", "--log-level", logLevel,
        ]
        if let account { words += ["--account", account.description] }
        return words
    }

    /// - Parameter words: the arguments after the program's name.
    /// - Returns: nil unless each of them is known, well-formed and, the account apart, there.
    public init?(_ words: some Sequence<String>) {
        var found: [String: String] = [:]
        var words = words.makeIterator()
        while let name = words.next() {
            guard Self.names.contains(name), let value = words.next() else { return nil }
            found[name] = value
        }
        guard let slot = found["--slot"].flatMap(UInt8.init), let incarnation = found["--incarnation"].flatMap(UInt32.init),
            let workers = found["--workers"].flatMap(UInt8.init), (1...64).contains(workers), slot < 128, slot % 64 < workers,
            let logLevel = found["--log-level"]
        else { return nil }
        self.init(slot: slot, incarnation: incarnation, workers: workers, logLevel: logLevel)
        guard let text = found["--account"] else { return }
        guard let account = ProcessAccount(text) else { return nil }
        self.account = account
    }

    private static let names: Set<String> = ["--slot", "--incarnation", "--workers", "--log-level", "--account"]
}

/// A user of the operating system, looked up by the master, so that a worker need not read `/etc/passwd`.
public struct ProcessAccount: Sendable, Equatable, CustomStringConvertible {
    public var name: String
    public var user: UInt32
    public var group: UInt32

    public init(name: String, user: UInt32, group: UInt32) {
        self.name = name
        self.user = user
        self.group = group
    }

    /// `name:user:group`
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, let user = UInt32(parts[1]), let group = UInt32(parts[2]) else { return nil }
        self.init(name: String(parts[0]), user: user, group: group)
    }

    public var description: String { "\(name):\(user):\(group)" }
}
