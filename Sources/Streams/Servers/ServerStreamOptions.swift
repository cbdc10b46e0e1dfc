public import SASL

/// How streams between servers use TLS (`use_starttls`).
public enum ServerTLSUse: Sendable, Equatable {
    /// STARTTLS is neither offered nor taken.
    case never
    /// STARTTLS is used where the other side has it.
    case optional
    /// Nothing but STARTTLS goes before TLS; certificates may be anything.
    case required
    /// As required, and the peer's certificate must prove its domain: nothing else does.
    case requiredTrusted

    var isRequired: Bool { self == .required || self == .requiredTrusted }
}

/// How a peer came to speak for its domain.
public enum PeerProof: String, Equatable, Sendable {
    /// SASL EXTERNAL (XEP-0178).
    case external
    /// A dialback request that its certificate proves, so that nobody was called (XEP-0344).
    case certificate
    /// Dialback (XEP-0220).
    case dialback
}

/// What one listener offers to other servers: its incoming streams share it. After a change of configuration new streams get a
/// new one; streams that have one keep it.
public final class ServerOffer: Sendable {
    let tls: ServerTLSUse
    /// What the server calls itself to a peer whose header did not name one of its domains.
    let defaultDomain: String
    /// The language that our own headers announce.
    let language: String
    let secret: DialbackSecret?
    let hasBidi: Bool
    let hasManagement: Bool
    let limits: StreamLimits
    let standing: @Sendable (DomainPair) -> PairStanding

    /// - Parameters:
    ///   - secret: makes and checks dialback keys: the same on all workers and nodes, and over restarts. Nil: no dialback.
    ///   - limits: what is told to peers about elements that are too big and streams that are idle.
    ///   - standing: called within `handle`, on its thread: what is thought of a pair. Whether a domain is served here matters for
    ///     its `local`, whether it is ours or unwanted for its `remote`, which is empty while the peer has not said who it is.
    public init(
        tls: ServerTLSUse, defaultDomain: String, secret: DialbackSecret?, hasBidi: Bool = true, hasManagement: Bool = true,
        limits: StreamLimits = StreamLimits(), language: String = "en",
        standing: @escaping @Sendable (DomainPair) -> PairStanding
    ) {
        self.tls = tls
        self.defaultDomain = defaultDomain
        self.secret = secret
        self.hasBidi = hasBidi
        self.hasManagement = hasManagement
        self.limits = limits
        self.language = language
        self.standing = standing
    }
}

/// What this server asks of others on the streams that it opens.
public struct OutgoingServerOptions: Sendable, Equatable {
    public var tls: ServerTLSUse
    /// Makes dialback keys; nil: no dialback.
    public var secret: DialbackSecret?
    /// Whether SASL EXTERNAL is tried where it is offered: not where there is no certificate of the local domain, or an earlier
    /// connection ended over it.
    public var usesExternal: Bool
    public var usesBidi: Bool
    public var usesManagement: Bool
    /// What is told to a peer that may send on the stream.
    public var limits: StreamLimits
    /// The language that our own headers announce.
    public var language: String

    public init(
        tls: ServerTLSUse, secret: DialbackSecret?, usesExternal: Bool = true, usesBidi: Bool = true, usesManagement: Bool = true,
        limits: StreamLimits = StreamLimits(), language: String = "en"
    ) {
        self.tls = tls
        self.secret = secret
        self.usesExternal = usesExternal
        self.usesBidi = usesBidi
        self.usesManagement = usesManagement
        self.limits = limits
        self.language = language
    }

    /// With `requiredTrusted` certificates prove who is who, and nothing else does.
    var dialbackSecret: DialbackSecret? { tls == .requiredTrusted ? nil : secret }
}
