/// What a listener says about the streams it takes.
public struct StreamOptions: Sendable, Equatable {
    /// Where TLS is on a listener.
    public enum TLSMode: Sendable, Equatable {
        /// Nowhere: secrets travel as they are.
        case none
        /// STARTTLS is offered; who does without it gets a smaller offer.
        case optional
        /// STARTTLS is all that is offered until it is done (RFC 6120 §5.3.1).
        case required
        /// The connection begins with TLS.
        case direct
    }

    public var tls: TLSMode
    /// Whether PLAIN and registration are offered without TLS. Sensible only where there is no TLS to be had.
    public var allowsSecretsInClear: Bool
    /// Whether the session feature of RFC 3921 is listed. Its request is answered in any case.
    public var listsSession: Bool
    /// Whether garbage instead of a first header is answered by closing without a word.
    public var hidesName: Bool
    /// What the server calls itself to a client whose header did not name one of its hosts.
    public var defaultDomain: String
    /// Wrong passwords or proofs after which the stream is closed.
    public var authenticationFailures: Int
    /// Elements that a client may spend on getting to a session, failed attempts and registration included;
    /// an account that was made sets the count back.
    public var negotiationElements: Int
    /// The language that our own headers announce: of all that goes to clients without a language of its own.
    public var language: String
    /// Bytes that one step of compressed input may inflate to; nil where compression is not offered (XEP-0138).
    public var inflationLimit: Int?

    /// - Parameter allowsSecretsInClear: nil for what the TLS mode suggests: only where there is no TLS at all.
    public init(
        tls: TLSMode, defaultDomain: String, allowsSecretsInClear: Bool? = nil, listsSession: Bool = true,
        hidesName: Bool = false, authenticationFailures: Int = 5, negotiationElements: Int = 64,
        inflationLimit: Int? = nil, language: String = "en"
    ) {
        self.tls = tls
        self.defaultDomain = defaultDomain
        self.allowsSecretsInClear = allowsSecretsInClear ?? (tls == .none)
        self.listsSession = listsSession
        self.hidesName = hidesName
        self.authenticationFailures = authenticationFailures
        self.negotiationElements = negotiationElements
        self.inflationLimit = inflationLimit
        self.language = language
    }
}
