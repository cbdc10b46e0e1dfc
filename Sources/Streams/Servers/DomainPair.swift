/// A domain of this server and one of another, between which stanzas go. Both are prepared, as addresses have them.
///
/// It has no direction: on an incoming stream `remote` sends and `local` receives, on an outgoing one it is the other way round.
public struct DomainPair: Hashable, Sendable {
    public let local: String
    public let remote: String

    public init(local: String, remote: String) {
        self.local = local
        self.remote = remote
    }
}

/// What this server thinks of a pair before anything is proved.
public enum PairStanding: Equatable, Sendable {
    case acceptable
    /// The local domain is not served here.
    case unknownTarget
    /// The remote domain is served here: somebody pretends to be us, or we talk to ourselves.
    case ownDomain
    /// The operator wants nothing to do with the remote domain (`s2s.default_policy`, `host_policy`).
    case refused
}
