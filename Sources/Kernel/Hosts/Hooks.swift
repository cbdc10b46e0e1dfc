public import Network
public import SharedState
public import XML
public import XMPP

/// The hooks of a host: the events that modules take part in, or are told of.
@LoopActor
public struct Hooks {
    /// A stanza that a client of this host sent, its `from` stamped. `.validation` to `.beforeRouting` run before it is
    /// routed and may stop it; `.afterRouting` and `.archive` run after that.
    public var outgoing = HookChain<Outgoing>()
    /// A stanza for an account of this host, before its recipients are chosen (RFC 6121 §8.5); the account may not
    /// exist. `.afterRouting` and `.archive` run after delivery, with the recipients filled in.
    public var incoming = HookChain<Incoming>()
    /// A message of type `chat` or `normal` that no resource of an existing account takes. `.stop`: it is stored.
    public var offlineMessage = HookChain<Incoming>()
    /// A session is about to take messages; `sessionReceptive` follows, after what its arrival asks of storage.
    public var sessionBecomingReceptive = Observers<Session>()
    /// A session takes messages from now on: it became available with a priority that is not negative.
    public var sessionReceptive = WaitingObservers<Session>()
    /// A session ends; its entry in the table is still there. The stream may be closed already.
    public var sessionEnding = Observers<Session>()
    /// A session goes on with another connection (XEP-0198 §5).
    public var sessionResumed = Observers<Session>()
    /// A client has acknowledged stanzas that stay stored until it does.
    public var storedStanzasAcknowledged = Observers<StoredStanzas>()
    /// A session of a dead worker is taken out of the table (its presence must be announced unavailable).
    public var sessionOrphaned = Observers<OrphanedSession>()
    /// An account was removed with all that was stored for it.
    public var accountRemoved = Observers<JID>()

    init() {}

    /// Adds the handlers of a module.
    mutating func merge(_ other: Hooks, of module: String) {
        outgoing.merge(other.outgoing, of: module)
        incoming.merge(other.incoming, of: module)
        offlineMessage.merge(other.offlineMessage, of: module)
        sessionBecomingReceptive.merge(other.sessionBecomingReceptive)
        sessionReceptive.merge(other.sessionReceptive)
        sessionEnding.merge(other.sessionEnding)
        sessionResumed.merge(other.sessionResumed)
        storedStanzasAcknowledged.merge(other.storedStanzasAcknowledged)
        sessionOrphaned.merge(other.sessionOrphaned)
        accountRemoved.merge(other.accountRemoved)
    }

    /// Orders the handlers of each phase.
    /// - Returns: what modules ask for and cannot have.
    mutating func arrange(_ modules: Set<String>) -> [String] {
        outgoing.arrange(modules).map { "outgoing stanzas: " + $0 } + incoming.arrange(modules).map { "incoming stanzas: " + $0 }
            + offlineMessage.arrange(modules).map { "offline messages: " + $0 }
    }
}

/// Handlers that are told of an event and decide nothing. None may depend on another's having been told.
@LoopActor
public struct Observers<Subject> {
    private var handlers: [@LoopActor (Subject) -> Void] = []

    init() {}

    public mutating func add(_ handler: @escaping @LoopActor (Subject) -> Void) { handlers.append(handler) }

    mutating func merge(_ other: Self) { handlers += other.handlers }

    public func tell(_ subject: Subject) {
        for handler in handlers { handler(subject) }
    }
}

/// Handlers that are told of an event one after another; each may wait before the next is told.
@LoopActor
public struct WaitingObservers<Subject> {
    private var handlers: [@LoopActor (Subject) async -> Void] = []

    init() {}

    public mutating func add(_ handler: @escaping @LoopActor (Subject) async -> Void) { handlers.append(handler) }

    mutating func merge(_ other: Self) { handlers += other.handlers }

    public func tell(_ subject: Subject) async {
        for handler in handlers { await handler(subject) }
    }
}

/// A stanza on its way out of a local session.
public struct Outgoing {
    public let session: Session
    public var stanza: Stanza

    /// Whether the client named no addressee: it means its own account (RFC 6120 §10.3).
    public let isUnaddressed: Bool

    /// The note of a module that archives the stanza for its sender. It goes on to the recipient's side.
    public var record: (any StanzaRecord)?
}

/// A stanza on its way to a local account.
public struct Incoming {
    public let host: Host
    public var stanza: Stanza
    /// The address it is for; never that of the host itself.
    public let to: JID
    /// Where it came in on this worker; nil if it came another way.
    public internal(set) var source: (any StanzaSource)?
    /// The note of a module that archives the stanza, for its sender or on this side.
    public var record: (any StanzaRecord)?
    /// The stanza is archived or stored for the account: that no session takes it now is no error.
    public var isKept = false
    /// The stanza was archived and copied before; the session that had been sent it has ended without acknowledging it.
    public internal(set) var isRedelivery = false
    /// The connected resources that took it; empty before `.afterRouting`.
    public internal(set) var recipients: [SessionRoute] = []
    /// All sessions of the account, where delivery had to look at them; `nil` where it did not.
    public internal(set) var sessions: [SessionRoute]?

    public var user: JID { to.bare }
}

/// Stanzas that a client has acknowledged, so that they need not be stored any more.
public struct StoredStanzas {
    public let session: Session
    /// The number under which the last of them is stored.
    public let upTo: Int64
}

/// A module's note on a stanza that it archives, from one phase to the next.
@LoopActor
public protocol StanzaRecord: AnyObject {
    /// The element that tells a user's clients under which id the stanza is archived for the user; nil if it is not, or they are
    /// not told.
    func mark(for user: JID) -> Element?
}

/// A session whose worker died, as its directory entry had it.
public struct OrphanedSession: Sendable {
    public let jid: JID
    public let wasAvailable: Bool
}
