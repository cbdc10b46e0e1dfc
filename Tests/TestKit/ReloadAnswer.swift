import Foundation

/// What `xmppctl reload --json` prints.
public struct ReloadAnswer: Decodable, Sendable {
    public struct Change: Decodable, Sendable {
        public let path: String
        public let kind: String
        public let old: String?
        public let new: String?
        public let effect: String
    }

    public struct Closing: Decodable, Sendable, Equatable {
        public let cause: String
        public let subject: String
        public let sessions: Int
        public let others: Int

        public init(cause: String, subject: String, sessions: Int, others: Int) {
            self.cause = cause
            self.subject = subject
            self.sessions = sessions
            self.others = others
        }
    }

    public let changes: [Change]
    public let closed: [Closing]
    public let opened: [String]
    public let dry_run: Bool
    public let longest_pause_us: Int?

    public var paths: [String] { changes.map(\.path) }
}

extension ServerUnderTest {
    /// Puts other settings in force and gives what that did. The ports of the listeners are looked up anew.
    @discardableResult
    public func reload(_ change: (inout ServerSettings) -> Void = { _ in }) throws -> ReloadAnswer {
        try configure(change)
        let outcome = try xmppctl("reload", "--json")
        guard outcome.status == 0 else { throw TestFailure("not reloaded, status \(outcome.status): \(outcome.error)") }
        try refreshPorts()
        return try JSONDecoder().decode(ReloadAnswer.self, from: Data(outcome.output.utf8))
    }
}
