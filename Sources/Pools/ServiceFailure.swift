/// Why another service gave no answer. The text is for the log; no secret is in it.
public enum ServiceFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// It cannot be reached, or the connection broke.
    case unreachable(String)
    /// It is connected and says nothing in time.
    case silent(String)
    /// It is known to be down, or too much waits for it: it was not asked.
    case notAsked(String)
    /// It answered that it cannot do this.
    case refused(String)

    public var description: String {
        switch self {
        case .unreachable(let text), .silent(let text), .notAsked(let text), .refused(let text): text
        }
    }
}

/// A connection to another service, for one thread at a time. It does not end by itself.
public protocol ServiceConnection: AnyObject, Sendable {
    /// Whether it can be asked something. Looked at before and after each use: it must not wait.
    var isUsable: Bool { get }
    /// Asks something that needs no answer worth having, so that the connection does not grow old.
    func keepAlive(_ deadline: Deadline) -> ServiceFailure?
    func close()
}
