public import SASL
public import XML
public import XMPP

/// One stream that another server has opened, from its first header to its end (RFC 6120 §4–§6, XEP-0178, XEP-0220, XEP-0288).
///
/// Pure: no socket, no clock, no randomness, no await. The shell executes the actions in order and hands their answers back as
/// events. While `isWaiting` it hands in nothing from the peer. After the end every event is ignored.
/// Elements come in `jabber:client`, as if the peer's header had declared that: from a parser that reads them so.
public struct IncomingServerStream: Sendable {
    public enum Event: Sendable {
        /// A header, and the id of our answer: fresh, and not to be guessed, since it is what dialback keys are made for.
        case header(StreamHeader, id: String)
        /// A top-level element.
        case element(Element)
        /// The peer's end of the stream.
        case footer
        /// What came is not XML, or more than the limits allow.
        case malformed(Malformed)
        /// TLS is up: after `startTLS`, or first of all where connections begin with it. Nil: the peer showed no certificate.
        case secured(PeerIdentity?)
        /// The answer to `verify`.
        case verified(DialbackRequest, DialbackAnswer)
        /// The clock of `restartClock` ran out.
        case timeout
        /// The server ends the stream: shutdown, policy, idleness.
        case close(StreamError?)
        /// The connection is gone.
        case disconnected
    }

    public enum Action: Equatable, Sendable {
        /// Write a header (`ServerHeader.rendered`).
        case open(ServerHeader)
        /// Write an element (`ServerMarkup.element`).
        case send(Element)
        /// Flush, throw away what the peer sent without waiting for TLS (RFC 6120 §5.3.3), begin the handshake as its server with
        /// the certificate of this domain, asking for the peer's; answer `secured`.
        case startTLS(domain: String)
        /// The next bytes begin a new stream (RFC 6120 §4.3.3): the framer starts over.
        case restart
        /// Have the key checked by the authority of `pair.remote`, over another connection; answer `verified` in any case.
        case verify(DialbackRequest)
        /// From now on the peer's stanzas for this pair are delivered.
        case authorized(DomainPair, PeerProof)
        /// The peer did not prove that it speaks for the pair's remote domain. For the log and for limits by address.
        case refused(DomainPair, reason: String)
        /// From now on stanzas for this pair may be sent on this stream (XEP-0288), and stanzas alone.
        case maySend(DomainPair)
        /// What the peer takes at most where it may be sent to (XEP-0478).
        case limits(StreamLimits)
        /// A stanza of an authorized pair, with its addresses and the language of the stream.
        case deliver(Stanza)
        /// From now on stanzas that are sent on this stream are counted and kept until they are acknowledged (XEP-0198).
        case managementEnabled
        /// Say that so many stanzas were handled, once that is true of all that was delivered so far.
        case acknowledge(UInt32)
        /// The peer has handled so many of ours. More than were sent: end the stream with `StreamManagementXML.tooHigh`.
        case acknowledged(UInt32)
        /// The peer has to do something before it is authorized: after the listener's time comes `timeout`.
        case restartClock
        /// The next step is ours, or a pair is authorized: no more `timeout`.
        case stopClock
        /// The end: write the error, if any, and the footer; close when they are flushed.
        case close(StreamError?)
        /// The end: close without another byte.
        case drop
    }

    private var state: IncomingState?

    public init(offer: ServerOffer) { state = IncomingState(offer: offer) }

    /// Whether an answer of the shell is awaited, so that nothing from the peer may be handed in.
    public var isWaiting: Bool { state?.isWaiting ?? false }

    public var isClosed: Bool { state == nil }

    /// The domain that the peer's header names as its own, prepared. Proves nothing.
    public var remoteDomain: String? { state?.terms?.remote }

    /// The domain of ours that the peer's header names.
    public var localDomain: String? { state?.terms?.local }

    /// The pairs for which the peer may send.
    public var authorizedPairs: some Collection<DomainPair> { state?.authorized ?? [] }

    /// Whether stanzas for a pair may be sent on this stream.
    public func maySend(_ pair: DomainPair) -> Bool { state?.maySend(pair) ?? false }

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
