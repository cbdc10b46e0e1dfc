public import SASL
public import XML
public import XMPP

/// One stream that this server opens to another, from the connection to its end (RFC 6120 §4–§6, XEP-0178, XEP-0220, XEP-0288).
///
/// Pure: no socket, no clock, no randomness, no await. The shell executes the actions in order and hands their answers back as
/// events. While `isWaiting` it hands in nothing from the peer. After the end every event is ignored.
/// Elements come in `jabber:client`, as if the peer's header had declared that: from a parser that reads them so.
public struct OutgoingServerStream: Sendable {
    public enum Purpose: Sendable, Equatable {
        /// To send stanzas of the pair, and of others that are added.
        case stanzas
        /// To have dialback keys checked by the pair's remote domain, and no more: nothing is asked of the peer about us.
        case verification
    }

    public enum Event: Sendable {
        /// The connection is there, without TLS. Where it begins with TLS, `secured` comes in its place.
        case connected
        /// The peer's header.
        case header(StreamHeader)
        /// A top-level element.
        case element(Element)
        /// The peer's end of the stream.
        case footer
        /// What came is not XML, or more than the limits allow.
        case malformed(Malformed)
        /// TLS is up. Nil: the peer showed no certificate.
        case secured(PeerIdentity?)
        /// There is no connection, and none will come: for whoever waits, why.
        case unreachable(ServerFailure)
        /// The TLS handshake failed.
        case handshakeFailed(reason: String)
        /// Prove that the stream speaks for another local domain, or for the same one to another remote domain that is served at
        /// the same place. Answered by `established` or `refused`.
        case add(DomainPair)
        /// Have a key checked by the peer; answered by `verified`.
        case verify(DialbackRequest)
        /// The clock of `restartClock` ran out.
        case timeout
        /// The server ends the stream: shutdown, idleness, policy.
        case close(StreamError?)
        /// The connection is gone.
        case disconnected
    }

    public enum Action: Equatable, Sendable {
        /// Write a header (`ServerHeader.rendered`).
        case open(ServerHeader)
        /// Write an element (`ServerMarkup.element`).
        case send(Element)
        /// Flush, begin the handshake as the client with the certificate of `pair.local`, for the name `pair.remote`; answer
        /// `secured` or `handshakeFailed`.
        case startTLS
        /// The next bytes begin a new stream (RFC 6120 §4.3.3): the framer starts over.
        case restart
        /// The peer's certificate does not prove its domain, and the stream goes on all the same. For the log.
        case untrusted(reason: String)
        /// Stanzas of the pair may be sent from now on.
        case established(DomainPair, PeerProof)
        /// The pair will not be established on this stream: what waits for it goes back to its senders. If it was the only one,
        /// `close` follows.
        case refused(DomainPair, ServerFailure)
        /// The answer to `verify`, each of which gets one.
        case verified(DialbackRequest, DialbackAnswer)
        /// What the peer takes at most (XEP-0478). May come again with other values.
        case limits(StreamLimits)
        /// From now on the peer's stanzas for this pair are delivered (XEP-0288).
        case authorized(DomainPair)
        /// A stanza of an authorized pair, with its addresses and the language of the stream.
        case deliver(Stanza)
        /// From now on stanzas that are sent on this stream are counted and kept until they are acknowledged (XEP-0198), but the
        /// peer has still to agree.
        case managementRequested
        /// The peer has agreed: it may be asked for acknowledgements (`StreamManagementXML.request`).
        case managementEnabled
        /// The peer has not: what was kept is let go.
        case managementRefused
        /// Say that so many stanzas were handled, once that is true of all that was delivered so far.
        case acknowledge(UInt32)
        /// The peer has handled so many of ours. More than were sent: end the stream with `StreamManagementXML.tooHigh`.
        case acknowledged(UInt32)
        /// The next step is the peer's: if it does not come in time, `timeout`. The time for a dialback answer should be longer than
        /// that for others, since the peer has to call back.
        case restartClock
        /// Nothing is waited for: no more `timeout`.
        case stopClock
        /// The stream comes to a bad end; after `refused` and `verified` for all that was under way, before `close` or `drop`. What
        /// was sent and not acknowledged goes back to its senders.
        case failed(ServerFailure)
        /// The end: write the error, if any, and the footer; close when they are flushed.
        case close(StreamError?)
        /// The end: close without another byte.
        case drop
    }

    private var state: OutgoingState?

    public init(options: OutgoingServerOptions, pair: DomainPair, purpose: Purpose = .stanzas) {
        state = OutgoingState(options: options, pair: pair, purpose: purpose)
    }

    /// Whether an answer of the shell is awaited, so that nothing from the peer may be handed in.
    public var isWaiting: Bool { state?.isWaiting ?? false }

    public var isClosed: Bool { state == nil }

    /// Whether stanzas of a pair may be sent.
    public func maySend(_ pair: DomainPair) -> Bool { state?.established.contains(pair) ?? false }

    /// The pairs whose stanzas may be sent.
    public var establishedPairs: some Collection<DomainPair> { state?.established ?? [] }

    /// Whether another pair may be added: the stream is negotiated, and the peer can refuse a pair without ending the stream.
    public func takes(_ pair: DomainPair) -> Bool { state?.takes(pair) ?? false }

    /// The short way of nearly all elements: the stanza, if it is to be delivered and nothing else. Otherwise nil, and `handle` says
    /// what is to be done.
    public mutating func deliverable(_ element: Element) -> Stanza? { state?.deliverable(element) }

    /// What is to be done after `event`. The end comes as `close` or `drop`, once.
    public mutating func handle(_ event: Event) -> [Action] {
        guard var current = state else { return [] }
        // Taken out, so that the state is changed where it is and not in a copy.
        state = nil
        let actions = current.handle(event)
        if !current.isOver { state = current }
        return actions
    }
}
