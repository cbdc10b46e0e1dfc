public import SASL
public import XML
public import XMPP

/// One client stream, from its first header to its end (RFC 6120 §4–§7).
///
/// Pure: no socket, no clock, no await. Bytes, TLS and accounts live in the shell, which executes the actions in order
/// and hands their answers back as events. Headers and footers are events, so that TCP, WebSocket and BOSH are framings
/// around it. While `isWaiting` the shell hands in nothing from the client. After the end every event is ignored.
public struct ClientStream: Sendable {
    public enum Event: Sendable {
        /// A header, and the offer of the host that its `to` names; nil if it names none of ours.
        case header(StreamHeader, StreamOffer?)
        /// A top-level element.
        case element(Element)
        /// The client's end of the stream.
        case footer
        /// What came is not XML, or more than the limits allow.
        case malformed(Malformed)
        /// TLS is up: after `startTLS`, or first of all where connections begin with it.
        /// `certificate`: what the client's says of it, if it has one that can be relied on.
        case secured(ChannelBindings, certificate: ClientCertificate? = nil)
        /// The answer to `fetchCredentials`, with fresh random bytes (`SASLExchange.nonceLength`).
        case credentials(SASLExchange.CredentialsAnswer, nonce: [UInt8])
        /// The answer to `verifyPassword` or `admit`.
        case verdict(SASLExchange.PasswordVerdict)
        /// The answer to `admitAnonymous`.
        case anonymous(SASLExchange.AnonymousAnswer)
        /// The answer to `register`, which the client has been told. Whoever made an account may spend as many elements again on
        /// making another or on logging in, and all the time that it likes.
        case registrationAnswered(hasMadeAccount: Bool)
        /// An answer to `bind`: the full address by which the session is known from now on.
        case bound(JID)
        /// The other answer to `bind` (RFC 6120 §7.6.2, §7.7.2).
        case bindRefused(StanzaError)
        /// An answer to `resume`: this stream has the session from now on (XEP-0198 §5).
        case resumed(JID, handled: UInt32)
        /// The other answer to `resume`; the client may bind instead. `handled`: as in `StreamManagementXML.failed`.
        case resumeRefused(StreamManagementXML.Refusal, handled: UInt32?)
        /// The clock of `restartClock` ran out.
        case timeout
        /// The server ends the stream: shutdown, replacement, policy.
        case close(StreamError?)
        /// The connection is gone.
        case disconnected
    }

    public enum Action: Equatable, Sendable {
        /// Write a header, with an `id` that cannot be guessed (RFC 6120 §4.7.3).
        case open(ResponseHeader)
        /// Write an element.
        case send(Element)
        /// Flush, throw away what the client sent without waiting for TLS (RFC 6120 §5.3.3), begin the handshake as its
        /// server, answer `secured`.
        case startTLS
        /// Flush, and compress both ways from here on (XEP-0138): what the client sent behind its request already counts
        /// as compressed. `limit`: bytes that one step of input may inflate to.
        case startCompression(limit: Int)
        /// The next bytes begin a new stream (RFC 6120 §4.3.3): the framer starts over.
        case restart
        /// Answer `credentials`.
        case fetchCredentials(JID, ScramHash)
        /// Check it away from the loop, with the same work for an unknown account; answer `verdict`.
        case verifyPassword(JID, Password)
        /// The account whose certificate the client has shown; answer `verdict`.
        case admit(JID)
        /// Make up a user; answer `anonymous`.
        case admitAnonymous
        /// The client is who it says.
        case authenticated(JID, Mechanism)
        /// An attempt to log in failed; `user` as far as it is known. For the log and for limits by address.
        case authenticationFailed(user: JID?, SASLFailure.Condition)
        /// A registration request before authentication (XEP-0077). The shell tells the client what comes of it, then answers
        /// `registrationAnswered`.
        case register(Element)
        /// Make a session for the account; `resource` is prepared, nil for one of the server's choice. Answer `bound` or
        /// `bindRefused`.
        case bind(JID, resource: String?)
        /// Find the session that this names and let the stream have it: the client has handled so many of the stanzas
        /// that it was sent (XEP-0198 §5). Answer `resumed` or `resumeRefused`.
        case resume(user: JID, previous: String, handled: UInt32)
        /// The client was told its address: from now on stanzas are delivered.
        case established(JID)
        case deliver(Stanza.Kind, Element)
        /// An element that is no stanza but in one of the offer's namespaces.
        case deliverExtension(Element)
        /// The next step is the client's, or both sides shake hands: after the listener's time without one comes `timeout`.
        case restartClock
        /// The next step is ours, or there is none.
        case stopClock
        /// The end: write the error, if any, and the footer; close when they are flushed.
        case close(StreamError?)
        /// The end: close without another byte.
        case drop
    }

    enum State: Sendable {
        /// Boxed, so that a stream at rest has only what it needs then.
        indirect case negotiating(Negotiation)
        case established(BoundStream)
        case closed
    }

    private var state: State

    public init(options: StreamOptions) {
        state = .negotiating(
            Negotiation(phase: .opening(.clear, isFirst: true), options: options, elements: 0, failures: 0))
    }

    /// Whether an answer of the shell is awaited, so that nothing from the client may be handed in.
    public var isWaiting: Bool {
        switch state {
        case .negotiating(let negotiation): negotiation.isWaiting
        case .established, .closed: false
        }
    }

    public var isClosed: Bool {
        switch state {
        case .closed: true
        case .negotiating, .established: false
        }
    }

    /// The full address of an established stream.
    public var address: JID? {
        switch state {
        case .established(let bound): bound.address
        case .negotiating, .closed: nil
        }
    }

    /// The short way of nearly all elements: which stanza this is, if it is to be delivered and nothing else. Otherwise
    /// nil, and `handle` says what is to be done. Allocates nothing for a stanza without `from`.
    public func deliverable(_ element: Element) -> Stanza.Kind? {
        switch state {
        case .established(let bound): bound.deliverable(element)
        case .negotiating, .closed: nil
        }
    }

    /// A deliverable element as it goes on to others: with the language that the stream's header gave, where it names
    /// none itself. What `handle` answers is so already.
    public func inLanguage(_ element: Element) -> Element {
        switch state {
        case .established(let bound): bound.inLanguage(element)
        case .negotiating, .closed: element
        }
    }

    /// What is to be done after `event`. The end comes as `close` or `drop`, once.
    public mutating func handle(_ event: Event) -> [Action] {
        let (next, actions) = Self.step(state, event)
        state = next
        return actions
    }

    private static func step(_ state: State, _ event: Event) -> (State, [Action]) {
        switch state {
        case .closed:
            return (.closed, [])
        case .established(let bound):
            return bound.step(event)
        case .negotiating(let negotiation):
            let (next, actions) = negotiation.step(event)
            switch next {
            case .negotiating(let negotiation):
                return (next, actions + [negotiation.isTimed ? .restartClock : .stopClock])
            case .established: return (next, actions + [.stopClock])
            case .closed: return (next, actions)
            }
        }
    }
}

/// The header by which the server opens its side (RFC 6120 §4.7); version 1.0, and English for what is said to people.
public struct ResponseHeader: Equatable, Sendable {
    public let from: String
    /// The client's address as far as it gave or proved one.
    public let to: String?

    public init(from: String, to: String?) {
        self.from = from
        self.to = to
    }
}
