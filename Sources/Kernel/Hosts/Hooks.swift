public import Network
public import SharedState
public import XML
public import XMPP

/// The hooks of a host: what a module can have a word in.
@LoopActor
public struct Hooks {
    /// A stanza that a client of this host sent, its `from` stamped. `.validation` to `.beforeRouting` run before it is
    /// routed and may stop it; `.afterRouting` and `.archive` run after that.
    public var outgoing = HookChain<Outgoing>()
    /// A stanza for an account of this host, before its recipients are chosen (RFC 6121 §8.5); the account may not
    /// exist. `.afterRouting` and `.archive` run after delivery, with the recipients filled in.
    public var incoming = HookChain<Incoming>()
    /// A message of type `chat` or `normal` that no resource of an existing account takes. `.stop`: it is kept.
    public var offlineMessage = HookChain<Incoming>()
    /// A session is about to take messages; `sessionReceptive` follows, after what its arrival asks of storage.
    public var sessionBecomingReceptive = Observers<Session>()
    /// A session takes messages from now on: it became available with a priority that is not negative.
    public var sessionReceptive = WaitingObservers<Session>()
    /// A session ends; its entry in the table is still there. The stream may be closed already.
    public var sessionEnding = Observers<Session>()
    /// A session is about to move to another worker: what modules hold back from it is sent, so that it waits with the rest.
    public var sessionMoving = Observers<Session>()
    /// A session goes on with another connection (XEP-0198 §5).
    public var sessionResumed = Observers<Session>()
    /// A client has acknowledged stanzas that were still stored while it had not.
    public var storedStanzasAcknowledged = Observers<StoredStanzas>()
    /// A session of a dead worker is taken out of the table (its presence must be announced unavailable).
    public var sessionOrphaned = Observers<OrphanedSession>()
    /// An account was removed with all that was stored for it.
    public var accountRemoved = Observers<JID>()

    init() {}

    /// Adds the handlers of another module, within each phase behind those that are here.
    mutating func merge(_ other: Hooks) {
        outgoing.merge(other.outgoing)
        incoming.merge(other.incoming)
        offlineMessage.merge(other.offlineMessage)
        sessionBecomingReceptive.merge(other.sessionBecomingReceptive)
        sessionReceptive.merge(other.sessionReceptive)
        sessionEnding.merge(other.sessionEnding)
        sessionMoving.merge(other.sessionMoving)
        sessionResumed.merge(other.sessionResumed)
        storedStanzasAcknowledged.merge(other.storedStanzasAcknowledged)
        sessionOrphaned.merge(other.sessionOrphaned)
        accountRemoved.merge(other.accountRemoved)
    }
}

/// Handlers that are told and not asked.
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

/// Handlers that are told one after another and may wait.
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

    /// What a module that keeps the stanza for its sender has noted. Its recipient's side finds it there, too.
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
    /// What a module that keeps the stanza has noted, for its sender or on this side.
    public var record: (any StanzaRecord)?
    /// The account finds it later: that nobody takes it now is no error.
    public var isKept = false
    /// It was taken in, archived and copied before: it was left over when the session it had been delivered to ended.
    public internal(set) var isRedelivery = false
    /// The connected resources that took it; empty before `.afterRouting`.
    public internal(set) var recipients: [SessionRoute] = []
    /// All sessions of the account, where delivery had to look at them; `nil` where it did not.
    public internal(set) var sessions: [SessionRoute]?

    public var user: JID { to.bare }
}

/// Stanzas that a client has got and that need not be stored any more.
public struct StoredStanzas {
    public let session: Session
    /// The number under which the last of them is stored.
    public let upTo: Int64
}

/// What a module notes of a stanza that it keeps, from one phase to the next.
@LoopActor
public protocol StanzaRecord: AnyObject {
    /// What tells a user's own clients where the stanza is kept for the user; nil if it is not, or they are not told.
    func mark(for user: JID) -> Element?
}

/// What is left of a session whose worker died.
public struct OrphanedSession: Sendable {
    public let jid: JID
    public let wasAvailable: Bool
}
