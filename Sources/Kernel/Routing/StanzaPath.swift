internal import Network
internal import SharedState
internal import XMPP

/// A stanza on its way from its sender to its recipients: how far it has come, as data, so that a handler can wait
/// anywhere and `Router.run` goes on from there.
///
/// An object, since it is large and each step changes it; the router keeps one for the next stanza.
@LoopActor
final class StanzaPath {
    enum Step {
        /// The modules of the sender's host decide, before the stanza is routed.
        case outgoing
        /// The destination is looked up by the domain of `to`.
        case route
        /// The modules of the recipient's host decide, before the recipient's sessions are chosen.
        case incoming
        /// The account's sessions are chosen (RFC 6121 §8.5).
        case choose
        /// The stanza goes to the sessions that were chosen.
        case deliver
        /// No session takes the message: modules may store it.
        case offline
        /// The modules of the recipient's host see the stanza delivered: they copy and archive it.
        case afterIncoming
        /// The modules of the sender's host see it delivered.
        case afterOutgoing
        /// The answers go out, behind everything that the stanza itself has caused.
        case answer
        case done
    }

    var step: Step
    /// Nil for a stanza that the server made, or delivers anew.
    var outgoing: Outgoing?
    /// Once its destination is known to be an account.
    var incoming: Incoming?
    /// The sessions that are to get it.
    var chosen: [SessionRoute] = []
    var outgoingPosition = HookPosition<Outgoing>()
    var incomingPosition = HookPosition<Incoming>()
    /// A result or an error for the sender. It waits for the end of the path, so that it overtakes no copy of the stanza.
    private(set) var answers: [Stanza] = []

    /// A stanza that no client has sent.
    private var made: Stanza?
    /// What it came in by, if that is no client.
    private let origin: (any StanzaSource)?
    private let isRedelivery: Bool
    /// Delays the sender's acknowledgement until a client has the stanza or it is stored.
    var ackHold: AckHold?
    /// How many times the mesh has refused it.
    let failures: UInt8

    /// The path of a stanza that a client has sent.
    init(_ outgoing: Outgoing) {
        step = .outgoing
        self.outgoing = outgoing
        (made, origin) = (nil, nil)
        isRedelivery = false
        failures = 0
    }

    /// The path of a stanza that the server made or delivers anew.
    init(_ stanza: Stanza, isRedelivery: Bool = false, ackHold: AckHold? = nil, failures: UInt8 = 0) {
        step = .route
        (made, origin) = (stanza, nil)
        self.isRedelivery = isRedelivery
        self.ackHold = ackHold
        self.failures = failures
    }

    /// The path of a stanza that came in by a source that is no client.
    init(_ stanza: Stanza, from source: any StanzaSource) {
        step = .route
        (made, origin) = (stanza, source)
        isRedelivery = false
        failures = 0
    }

    /// Begins anew with another stanza that a client has sent; `forget` has been called.
    func begin(_ outgoing: Outgoing) {
        step = .outgoing
        self.outgoing = outgoing
    }

    /// Whether it may serve another stanza that a client has sent.
    var isReusable: Bool { origin == nil && !isRedelivery && failures == 0 }

    /// Lets everything go that belongs to the stanza.
    func forget() {
        (outgoing, incoming, made, ackHold) = (nil, nil, nil, nil)
        (chosen, answers) = ([], [])
        (outgoingPosition, incomingPosition) = (HookPosition(), HookPosition())
    }

    /// The session that sent it; nil if it came another way.
    var sender: Session? { outgoing?.session }

    /// Where it came in on this worker; nil for a stanza that the server made, or delivers anew.
    var source: (any StanzaSource)? { outgoing?.session ?? origin }

    /// The stanza as it is at this step.
    var stanza: Stanza? { incoming?.stanza ?? outgoing?.stanza ?? made }

    /// Goes on with a stanza for an account of this host: its modules have their turn.
    func enter(_ host: Host, _ stanza: Stanza, to: JID) {
        incoming = Incoming(
            host: host, stanza: stanza, to: to, source: source, record: outgoing?.record, isRedelivery: isRedelivery)
        step = .incoming
    }

    /// The stanza goes no further.
    func end() { step = .afterOutgoing }

    /// The stanza goes no further, and its sender is told why if it may be told (RFC 6120 §8.3.1).
    func bounce(_ error: StanzaError) {
        step = .afterOutgoing
        guard var stanza, StanzaRules.mayBeAnswered(stanza), stanza.from != nil else { return }
        // What the recipient's modules have added is not the sender's: an account that is not there has given it no id.
        if incoming != nil, let sent = outgoing?.stanza ?? made { stanza.element = sent.element }
        answers.append(stanza.failure(error))
    }

    func answer(_ result: Stanza) {
        step = .afterOutgoing
        answers.append(result)
    }

    var hasAnswers: Bool { !answers.isEmpty }

    /// The answers, once.
    func takeAnswers() -> [Stanza] {
        defer { answers = [] }
        return answers
    }
}

/// Work that a stanza waits for; what it returns says how the stanza goes on.
typealias PendingStep = @LoopActor () async -> @LoopActor (StanzaPath) -> Void
