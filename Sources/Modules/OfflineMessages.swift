public import Configuration
internal import Glibc
public import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0160: messages for users who are not there are kept, and handed out when one of their sessions takes messages.
///
/// They are stored as the bytes that will be sent, delay stamp included, so that handing out reads no XML. What was
/// handed out is deleted afterwards: a worker that dies in between sends it again rather than not at all.
public final class OfflineMessages: Module {
    public nonisolated static let name = "mod_offline"
    public nonisolated static let implements = [
        XEP(160, "Best Practices for Handling Offline Messages", version: "1.0.1"),
        XEP(203, "Delayed Delivery", version: "2.0"),
        XEP(334, "Message Processing Hints", version: "1.0.0"),
    ]

    /// Messages that wait for one user where the access rule says nothing else.
    private static let usualLimit = 100
    /// Messages that are read and deleted at a time.
    private static let pageLength = 50

    private let limitRule: String
    private let keepsGroupchat: Bool

    public init(options: ModuleOptions) {
        limitRule = options.string("access_max_user_messages") ?? "max_user_offline_messages"
        keepsGroupchat = options.bool("store_groupchat_messages")
    }

    public func install(on host: Host) {
        host.features.advertise("msgoffline")
        host.offlineKeeper = OfflineCustody(host, keepsGroupchat: keepsGroupchat)
        // What is held back is to be with what the client has not got.
        host.hooks.sessionMoving.add { LiveMessages.releaseAll(to: $0) }
        host.hooks.sessionEnding.add { LiveMessages.giveBack(from: $0) }
        host.hooks.sessionOrphaned.add { [unowned host] in Self.wake($0.jid.bare, on: host) }
        host.hooks.offlineMessage.add(.archive) { [limitRule] in Self.keep($0, limitRule) }
        host.hooks.sessionBecomingReceptive.add { LiveMessages.holdBack(from: $0) }
        host.hooks.sessionReceptive.add { session in
            // Of what is stored from now on the session is told.
            if ArrivalFacts.known(of: session)?.hasMessages == false { return LiveMessages.release(to: session) }
            await Self.handOut(to: session)
        }
        host.onEvent(Self.storedTopic) { _, _, sessions in
            guard let session = sessions.first(where: { $0.isAvailable && $0.priority >= 0 }) else { return }
            // What the same sender says next comes directly, and would come first.
            LiveMessages.holdBack(from: session)
            session.errand { await Self.handOut(to: session) }
        }
        host.hooks.storedStanzasAcknowledged.add { Self.forget($0) }
        // What had not been handed out when the connection was lost.
        host.hooks.sessionResumed.add { session in
            guard session.lastStored > 0 || session[Self.owed] == true, session.isAvailable, session.priority >= 0 else { return }
            LiveMessages.holdBack(from: session)
            session.errand { await Self.handOut(to: session) }
        }
        host.carry(Self.name) { $0[Self.owed] == true ? [] : nil } unpack: { session, _ in session[Self.owed] = true }
        host.onUnload { [unowned host] in
            for session in host.server.localSessions where session.host === host { LiveMessages.releaseAll(to: session) }
        }
        guard keepsGroupchat else { return }
        host.hooks.incoming.add(.beforeRouting) { [limitRule] incoming in
            guard incoming.stanza.kind == .message, incoming.stanza.isType("groupchat") else { return .next }
            return Self.keepGroupchat(incoming, limitRule)
        }
    }

    private static let storedTopic = "offline.stored"
    /// Something may wait that was not handed out because the connection was lost before it was the session's turn.
    private static let owed = SessionKey<Bool>()

    /// Something was stored that the sessions of this user, if there are any, have not been told of.
    static func wake(_ user: JID, on host: Host) {
        if host.server.sessions(of: user).contains(where: isReceptive) { host.notify(user, storedTopic) }
    }

    static func key(_ user: JID) -> UserKey { UserKey(user: user.local, domain: user.domain) }

    // MARK: Keeping

    private static func keep(_ incoming: Incoming, _ limitRule: String) -> Decision {
        switch OfflineRules.verdict(incoming.stanza.element) {
        case .store: return .wait { await store(incoming, limitRule) }
        case .ignore: return .stop
        case .refuse: return .next
        }
    }

    /// A room's message for a resource that is gone, or for an account without one that takes messages.
    private static func keepGroupchat(_ incoming: Incoming, _ limitRule: String) -> Decision {
        let host = incoming.host
        let isThere =
            incoming.to.isFull
            ? host.server.session(incoming.to) != nil : host.server.sessions(of: incoming.user).contains(where: isReceptive)
        guard !isThere, OfflineRules.verdict(incoming.stanza.element) == .store else { return .next }
        return .wait {
            guard await host.accounts.exists(incoming.user.local) else { return .next }
            return await store(incoming, limitRule)
        }
    }

    /// The message is on the disk when this answers `.stop`.
    private static func store(_ incoming: Incoming, _ limitRule: String) async -> Decision {
        let (host, user, now) = (incoming.host, incoming.user, wallClock())
        let stanza = incoming.isRedelivery ? incoming.stanza : delayed(incoming.stanza, by: host, now)
        let lifetime = OfflineRules.lifetime(incoming.stanza.element)
        do throws(StorageError) {
            let deposit = try await host.server.store.offline.store(
                key(user), stanza.rendered(), receivedAt: now,
                expiresAt: lifetime.map { now + $0 }, limit: limit(of: user, host, limitRule))
            switch deposit {
            case .stored:
                // A session that came while the message was being stored has not seen it.
                wake(user, on: host)
                return .stop
            case .full:
                return .fail(StanzaError(.serviceUnavailable, text: "As many messages wait for this user as may"))
            }
        } catch {
            Log.error("cannot keep a message for a user who is not there", [Field("user", user), Field("error", error)])
            return .fail(StanzaError(storage: error))
        }
    }

    private static func delayed(_ stanza: Stanza, by host: Host, _ now: Int64) -> Stanza {
        let stamp = ClockText.utc(now / 1000)
        return stanza.appending([
            Element("delay", Namespace.delay, ["from": host.domain, "stamp": stamp], text: "Offline storage")
        ])
    }

    /// Nil: no limit.
    private static func limit(of user: JID, _ host: Host, _ rule: String) -> Int? {
        switch host.access(rule, for: user) {
        case .integer(let limit): limit
        case .name("infinity"): nil
        default: usualLimit
        }
    }

    // MARK: Handing out

    private static func isReceptive(_ record: SessionRoute) -> Bool {
        record.flags.contains(.available) && record.priority >= 0
    }

    /// Costs a login one read where nothing waits, and no write. Ends with the release of what is held back.
    private static func handOut(to session: Session) async {
        defer { LiveMessages.release(to: session) }
        guard OfflineErrand.begin(for: session) else { return }
        repeat { await look(for: session) } while OfflineErrand.goesOn(for: session)
    }

    private static func look(for session: Session) async {
        do throws(StorageError) {
            session[Self.owed] = nil
            guard try await !page(of: session, after: session.lastStored).isEmpty else { return }
            guard await OfflineTurn.take(session) else { return session[Self.owed] = true }
            defer { OfflineTurn.end(session) }
            try await send(to: session)
        } catch {
            Log.error(
                "cannot hand out the messages that wait for a user", [Field("session", session.jid), Field("error", error)])
        }
    }

    private static func page(of session: Session, after: Int64) async throws(StorageError) -> [OfflineRepository.Message] {
        try await session.host.server.store.offline.page(
            key(session.jid), after: after, limit: pageLength, now: wallClock())
    }

    /// What a client acknowledges is deleted when it does (XEP-0198), for any other when the network has taken it.
    private static func send(to session: Session) async throws(StorageError) {
        var last = session.lastStored
        while !session.hasEnded {
            let messages = try await page(of: session, after: last)
            guard let end = messages.last?.sequence, !session.hasEnded else { return }
            last = end
            for message in messages where !session.hasStored(message.sequence) {
                session.stored(message.sequence) { LiveMessages.pass([message.stanza], to: session) }
            }
            if session.acknowledgements == nil {
                // A client that does not read keeps its messages: they are deleted once most of them have gone out.
                while session.queuedBytes > Connection.highWater, !session.hasEnded { await Loop.pause(50) }
                guard !session.hasEnded else { return }
                try await session.host.server.store.offline.delete(key(session.jid), upTo: end)
            } else {
                while session.unacknowledgedBytes > mostUnacknowledged, session.isAttached { await Loop.pause(50) }
                guard session.isAttached else { return }
            }
            if messages.count < pageLength { return }
        }
    }

    /// Bytes that may wait for a client to acknowledge them before it gets more.
    private static let mostUnacknowledged = 256 << 10

    private static func forget(_ stanzas: StoredStanzas) {
        let (host, user) = (stanzas.session.host, stanzas.session.jid)
        Loop.spawn {
            do throws(StorageError) {
                try await host.server.store.offline.delete(key(user), upTo: stanzas.upTo)
            } catch {
                Log.error("cannot delete messages that were handed out", [Field("user", user.bare), Field("error", error)])
            }
        }
    }

    /// Milliseconds since 1970.
    static func wallClock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// What is worth keeping: rules without a server around them.
enum OfflineRules {
    enum Verdict: Equatable {
        case store
        /// Worth nothing later, and its loss nothing to tell anybody.
        case ignore
        /// The sender is told that nobody got it.
        case refuse
    }

    private static let hints = "urn:xmpp:hints"
    private static let chatStates = "http://jabber.org/protocol/chatstates"

    /// XEP-0160 §3, and the hints of XEP-0334 §4.
    static func verdict(_ message: Element) -> Verdict {
        if message.attribute("type", equals: "error") || message.attribute("type", equals: "headline") { return .ignore }
        var verdict = Verdict.ignore
        for child in message.children {
            if child.isIn(hints) {
                if child.isNamed("no-store") { return .refuse }
                if child.isNamed("store") { verdict = .store }
            } else if verdict == .ignore, !child.isNamed("thread"), !child.isIn(chatStates) {
                verdict = .store
            }
        }
        return verdict
    }

    /// For how many milliseconds the sender says that the message is worth something (XEP-0023); nil: for ever.
    static func lifetime(_ message: Element) -> Int64? {
        guard let seconds = message.child("x", "jabber:x:expire")?["seconds"].flatMap({ Int32($0) }), seconds > 0 else {
            return nil
        }
        return Int64(seconds) * 1000
    }
}

/// Holds back the messages that arrive for a session while older ones are fetched, so that they come in order.
///
/// It takes the place of the session's filter, which is free unless the client has said that nobody looks.
@LoopActor
final class LiveMessages {
    private static let key = SessionKey<LiveMessages>()
    /// Bytes that are held back at most; with more, order is given up.
    private static let mostBytes = 1 << 20

    private var held: [RenderedStanza] = []
    private var size = 0
    private var isOpen = false
    /// How many are fetching older messages.
    private var holds = 1

    static func holdBack(from session: Session) {
        if let live = session[key] {
            live.holds += 1
            return
        }
        guard !session.flags.contains(.inactive), session.outputFilter == nil else { return }
        let live = LiveMessages()
        session[key] = live
        session.outputFilter = { live.filter($0) }
    }

    private func filter(_ stanza: RenderedStanza) -> [RenderedStanza] {
        guard stanza.kind == .message, !isOpen else { return [stanza] }
        held.append(stanza)
        size += stanza.bytes.count
        if size <= Self.mostBytes { return [] }
        isOpen = true
        return take()
    }

    private func take() -> [RenderedStanza] {
        defer { held = [] }
        return held
    }

    /// Sends older messages, before those that are held back.
    static func pass(_ messages: [[UInt8]], to session: Session) {
        let live = session[key]
        let wasOpen = live?.isOpen ?? true
        live?.isOpen = true
        for message in messages { session.deliver(.message, message) }
        live?.isOpen = wasOpen
    }

    /// One of those who hold back has what it wanted.
    static func release(to session: Session) {
        guard let live = session[key] else { return }
        live.holds -= 1
        if live.holds == 0 { releaseAll(to: session) }
    }

    /// The session ends. What a client that counts was to get is left over with the rest, anything else is as if it came now.
    static func giveBack(from session: Session) {
        guard session.acknowledgements == nil, let live = session[key] else { return releaseAll(to: session) }
        session[key] = nil
        let (held, server) = (live.take(), session.host.server)
        Loop.endOfTurn { for message in held { server.redeliver(message) } }
    }

    /// From here on messages are sent as they come. A client that has said meanwhile that nobody looks has another filter.
    static func releaseAll(to session: Session) {
        guard let live = session[key] else { return }
        session[key] = nil
        live.isOpen = true
        if !session.flags.contains(.inactive) { session.outputFilter = nil }
        for message in live.take() { session.deliver(message) }
    }
}

/// Fetching what waits for a session: one at a time, or what two have read would be sent twice. Who comes meanwhile has the
/// one at work look again.
@LoopActor
private final class OfflineErrand {
    private static let key = SessionKey<OfflineErrand>()
    private var looksAgain = false

    static func begin(for session: Session) -> Bool {
        if let errand = session[key] {
            errand.looksAgain = true
            return false
        }
        session[key] = OfflineErrand()
        return true
    }

    static func goesOn(for session: Session) -> Bool {
        guard !session.hasEnded, let errand = session[key], errand.looksAgain else {
            session[key] = nil
            return false
        }
        errand.looksAgain = false
        return true
    }
}

/// Sees to it that of two sessions of a user that become available at once only one gets what waits, also where they
/// are on different workers: mutual exclusion with one flag for each session in the shared table (the one-bit algorithm of
/// Burns and Lamport). A session that dies loses its flag with its entry.
@LoopActor
enum OfflineTurn {
    private static let retryMilliseconds: Int64 = 50

    /// Waits for the session's turn. False: it ended meanwhile, or lost its connection.
    static func take(_ session: Session) async -> Bool {
        while !session.hasEnded {
            session.set(.takesOffline, true)
            if !hasRival(session, where: { isBefore($0, session.owner) }) {
                var waits = hasRival(session, where: { isBefore(session.owner, $0) })
                while waits, !session.hasEnded, !isAway(session) {
                    await Loop.pause(retryMilliseconds)
                    waits = hasRival(session, where: { isBefore(session.owner, $0) })
                }
                if !waits { return !session.hasEnded }
            }
            session.set(.takesOffline, false)
            if isAway(session) { return false }
            await Loop.pause(retryMilliseconds)
        }
        return false
    }

    /// Its client may come back elsewhere, and is not to wait there for however long the other takes.
    private static func isAway(_ session: Session) -> Bool { session.acknowledgements != nil && !session.isAttached }

    static func end(_ session: Session) { session.set(.takesOffline, false) }

    private static func hasRival(_ session: Session, where isRival: (SessionOwner) -> Bool) -> Bool {
        session.host.server.sessions(of: session.jid.bare).contains { $0.flags.contains(.takesOffline) && isRival($0.owner) }
    }

    private static func isBefore(_ one: SessionOwner, _ other: SessionOwner) -> Bool {
        (one.slot, one.incarnation, one.connection) < (other.slot, other.incarnation, other.connection)
    }
}
