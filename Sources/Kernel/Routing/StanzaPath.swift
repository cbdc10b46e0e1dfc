internal import Network
internal import SharedState
internal import XMPP

/// A stanza on its way from its sender to its recipients: how far it has come, as data, so that a handler can wait
/// anywhere and `Router.run` goes on from there.
@LoopActor
struct StanzaPath {
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

    /// A stanza that has no sender here.
    private let made: Stanza?
    let isRedelivery: Bool
    /// Delays the sender's acknowledgement until a client has the stanza or it is stored.
    var ackHold: AckHold?
    /// How many times the mesh has refused it.
    let failures: UInt8

    /// The path of a stanza that a client has sent.
    init(_ outgoing: Outgoing) {
        step = .outgoing
        self.outgoing = outgoing
        made = nil
        isRedelivery = false
        failures = 0
    }

    /// The path of a stanza that the server made or delivers anew.
    init(_ stanza: Stanza, isRedelivery: Bool = false, ackHold: AckHold? = nil, failures: UInt8 = 0) {
        step = .route
        made = stanza
        self.isRedelivery = isRedelivery
        self.ackHold = ackHold
        self.failures = failures
    }

    /// The session that sent it; nil if it came another way.
    var sender: Session? { outgoing?.session }

    /// Where it came in on this worker; nil for a stanza that the server made, or delivers anew.
    var source: (any StanzaSource)? { outgoing?.session }

    /// The stanza as it is at this step.
    var stanza: Stanza? { incoming?.stanza ?? outgoing?.stanza ?? made }

    /// Goes on with a stanza for an account of this host: its modules have their turn.
    mutating func enter(_ host: Host, _ stanza: Stanza, to: JID) {
        incoming = Incoming(
            host: host, stanza: stanza, to: to, source: source, record: outgoing?.record, isRedelivery: isRedelivery)
        step = .incoming
    }

    /// The stanza goes no further.
    mutating func end() { step = .afterOutgoing }

    /// The stanza goes no further, and its sender is told why if it may be told (RFC 6120 §8.3.1).
    mutating func bounce(_ error: StanzaError) {
        step = .afterOutgoing
        guard var stanza, StanzaRules.mayBeAnswered(stanza), stanza.from != nil else { return }
        // What the recipient's modules have added is not the sender's: an account that is not there has given it no id.
        if incoming != nil, let sent = outgoing?.stanza ?? made { stanza.element = sent.element }
        answers.append(stanza.failure(error))
    }

    mutating func answer(_ result: Stanza) {
        step = .afterOutgoing
        answers.append(result)
    }

    var hasAnswers: Bool { !answers.isEmpty }

    /// The answers, once.
    mutating func takeAnswers() -> [Stanza] {
        defer { answers = [] }
        return answers
    }
}

/// Work that a stanza waits for; what it returns says how the stanza goes on.
typealias PendingStep = @LoopActor () async -> @LoopActor (inout StanzaPath) -> Void
