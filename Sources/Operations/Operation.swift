public import IPC

/// One verb of the administrator, defined once: `xmppctl`, the web interfaces and ad-hoc commands are views of it.
public struct Operation: Sendable {
    /// Who carries a verb out.
    public enum Executor: Sendable, Equatable {
        /// `xmppctl` itself: the server may not be running.
        case client
        /// The master process.
        case master
        /// One worker that serves, whichever: the master passes the request on, and they take turns.
        case anyWorker
    }

    public enum Privilege: Sendable, Equatable {
        /// Looks only.
        case read
        /// Changes something.
        case write
    }

    /// Words joined by points, as `account.add`; the last is the action.
    public let name: String
    public let executor: Executor
    public let privilege: Privilege
    /// What it does, in one sentence.
    public let sentence: String
    /// What else one should know; empty if nothing.
    public let discussion: String
    public let arguments: [Argument]
    public let result: Shape

    init(
        _ name: String, _ executor: Executor, _ privilege: Privilege, _ sentence: String, discussion: String = "",
        arguments: [Argument] = [], result: Shape = .nothing
    ) {
        self.name = name
        self.executor = executor
        self.privilege = privilege
        self.sentence = sentence
        self.discussion = discussion
        self.arguments = arguments
        self.result = result
    }

    /// The words of the name: `["account", "add"]`.
    public var words: [String] { name.split(separator: ".").map(String.init) }

    /// How many rows of a list go into one message, so that it stays within the frame limit of the control socket
    /// however long the addresses in it are.
    public static let rowsPerPart = 200

    public func argument(_ name: String) -> Argument? { arguments.first { $0.name == name } }
}

extension Operation {
    /// Why a verb was not carried out; becomes the failure of its reply.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// Stable, for programs.
        public enum Code: String, Sendable, CaseIterable {
            /// An argument is missing, unknown or not what it should be.
            case badArgument = "bad-argument"
            /// What the arguments name does not exist.
            case notFound = "not-found"
            /// What should be made exists.
            case exists
            /// Nobody can do it now: no worker is ready, the storage does not answer.
            case unavailable
            /// The server's configuration or the privilege of the asker forbids it.
            case notAllowed = "not-allowed"
            /// The configuration was refused; the text names every problem, one on each line.
            case configuration
            /// It was tried and did not succeed.
            case failed
            /// There is no such verb.
            case unknownVerb = "unknown-verb"
        }

        public var code: Code
        /// A sentence for people.
        public var text: String

        public init(_ code: Code, _ text: String) {
            self.code = code
            self.text = text
        }

        public var description: String { "\(code.rawValue): \(text)" }

        public var result: OperationResult { .failure(code: code.rawValue, text: text) }
    }
}
