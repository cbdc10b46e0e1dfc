internal import Authentication
internal import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0160: stores messages for users without an available resource, and delivers them when one takes messages.
///
/// They are stored as the bytes that will be sent, delay stamp included, so that delivery reads no XML. They are deleted
/// after delivery: if a worker dies in between they are sent twice rather than not at all. Beyond the number of the access
/// rule, or `OfflineRepository.mostBytes`, a sender gets `service-unavailable` (XEP-0160 §3).
public final class OfflineMessages: Module {
    public nonisolated static let name = "mod_offline"
    public nonisolated static let implements = [
        XEP(160, "Best Practices for Handling Offline Messages", version: "1.0.1"),
        XEP(203, "Delayed Delivery", version: "2.0"),
        XEP(334, "Message Processing Hints", version: "1.0.0"),
    ]

    /// Most messages of one user where the access rule gives no number; the sender of one more gets an error.
    private static let usualLimit = 100
    /// Messages that are sorted at a time; they are read and sent in portions of `Session.storedPortion` bytes.
    private static let pageLength = 50

    private let limitRule: String
    private let keepsGroupchat: Bool

    public init(options: OfflineOptions) {
        limitRule = options.limitRule
        keepsGroupchat = options.keepsGroupchat
    }

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise("msgoffline")
        declarations.offlineStore = OfflineUnackedStore(host, keepsGroupchat: keepsGroupchat)
        declarations.hooks.sessionEnding.add { session in
            LiveMessageBuffer.giveBack(from: session)
            LiveMessageDeposit.end(for: session)
        }
        declarations.hooks.sessionOrphaned.add { [unowned host] in Self.wake($0.jid.bare, on: host) }
        declarations.hooks.offlineMessage.add(.archive) { [limitRule] in Self.keep($0, limitRule) }
        declarations.hooks.sessionBecomingReceptive.add { LiveMessageBuffer.holdBack(from: $0) }
        declarations.hooks.sessionReceptive.add { [limitRule] session in
            // Messages stored from now on reach the session by `offline.stored`.
            if InitialPresenceData.known(of: session)?.hasMessages == false { return LiveMessageBuffer.release(to: session) }
            await InboxRelease.wait(for: session) { await Self.handOut(to: session, limitRule, $0) }
        }
        declarations.onEvent(Self.storedTopic) { [limitRule] _, _, sessions in
            guard let session = sessions.first(where: { $0.isAvailable && $0.priority >= 0 }) else { return }
            // The next message of the same sender comes directly, and would overtake stored ones.
            LiveMessageBuffer.holdBack(from: session)
            session.runPinned { await Self.handOut(to: session, limitRule) }
        }
        declarations.hooks.storedStanzasAcknowledged.add { Self.forget($0) }
        // Stored messages that were not delivered when the connection was lost.
        declarations.hooks.sessionResumed.add { [limitRule] session in
            guard session.lastStored > 0 || session[LiveMessageDeposit.key] != nil, session.isAvailable, session.priority >= 0
            else {
                return LiveMessageDeposit.end(for: session)
            }
            LiveMessageBuffer.holdBack(from: session)
            LiveMessageDeposit.end(for: session)
            session.runPinned { await Self.handOut(to: session, limitRule) }
        }
        declarations.migrate(Self.name) {
            $0[LiveMessageDeposit.key] == nil ? nil : []
        } decode: { [limitRule] session, _ in
            LiveMessageDeposit.begin(for: session, limitRule)
        }
        declarations.onUnload { [unowned host] in
            for session in host.server.localSessions where session.host === host {
                LiveMessageBuffer.releaseAll(to: session)
                LiveMessageDeposit.end(for: session)
            }
        }
        guard keepsGroupchat else { return }
        // The stored bytes have the archive's id of the message.
        declarations.hooks.incoming.add(.beforeRouting, after: ["mod_mam"]) { [limitRule] incoming in
            guard incoming.stanza.kind == .message, incoming.stanza.isType("groupchat") else { return .next }
            return Self.keepGroupchat(incoming, limitRule)
        }
    }

    private static let storedTopic = "offline.stored"

    /// Tells the sessions of a user, on all workers, that a message was stored.
    static func wake(_ user: JID, on host: Host) {
        if host.server.sessions(of: user).contains(where: isReceptive) { host.notify(user, storedTopic) }
    }

    // MARK: Keeping

    private static func keep(_ incoming: Incoming, _ limitRule: String) -> Decision<Incoming> {
        switch OfflineRules.verdict(incoming.stanza.element) {
        case .store: return .wait { await store(incoming, limitRule) }
        case .ignore: return .stop
        case .refuse: return .next
        }
    }

    /// Stores a room's message for a resource that has ended, or for an account without one that takes messages.
    private static func keepGroupchat(_ incoming: Incoming, _ limitRule: String) -> Decision<Incoming> {
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

    /// Stores a message, which is on the disk when this returns `.stop`.
    private static func store(_ incoming: Incoming, _ limitRule: String) async -> Decision<Incoming> {
        let (host, user, now) = (incoming.host, incoming.user, ClockText.milliseconds)
        let earlier =
            incoming.isRedelivery ? OfflineRules.firstReceived(incoming.stanza.element, by: host.domain, now: now) : nil
        let stanza = earlier == nil ? delayed(incoming.stanza, by: host, now) : incoming.stanza
        do throws(StorageError) {
            switch try await store(stanza, for: user, on: host, receivedAt: earlier ?? now, limitRule) {
            case .stored:
                // A session that became available during the write has not read the message.
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

    /// Stores a message as it will be sent, with its stamp, unless as many wait as may.
    /// - Parameter receivedAt: milliseconds since 1970.
    static func store(
        _ stanza: Stanza, for user: JID, on host: Host, receivedAt: Int64, _ limitRule: String
    ) async throws(StorageError) -> OfflineRepository.StoreResult {
        let (now, lifetime) = (ClockText.milliseconds, OfflineRules.lifetime(stanza.element))
        let result = try await host.server.store.offline.store(
            UserKey(user),
            OfflineRepository.NewMessage(stanza.rendered(), receivedAt: receivedAt, expiresAt: lifetime.map { now + $0 }),
            now: now, limit: limit(of: user, host, limitRule))
        if result == .stored { host.server.counters.messagesStoredOffline += 1 }
        return result
    }

    private static func delayed(_ stanza: Stanza, by host: Host, _ now: Int64) -> Stanza {
        let stamp = DateTime.text(now * 1000)
        return stanza.appending(Element("delay", Namespace.delay, ["from": host.domain, "stamp": stamp], text: "Offline storage"))
    }

    /// Most messages of a user; nil: no limit.
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

    /// Delivers the stored messages, then releases the buffered live ones. A login without stored messages costs one read and no
    /// write.
    /// - Parameter inbox: released when this waits for the client.
    private static func handOut(to session: Session, _ limitRule: String, _ inbox: InboxRelease? = nil) async {
        defer { LiveMessageBuffer.release(to: session) }
        guard OfflineFetchGuard.begin(for: session) else { return }
        repeat { await look(for: session, limitRule, inbox) } while OfflineFetchGuard.goesOn(for: session)
    }

    private static func look(for session: Session, _ limitRule: String, _ inbox: InboxRelease?) async {
        do throws(StorageError) {
            // Messages behind the barrier have no number yet, and would be fetched a second time.
            await session.waitForBarrier()
            guard !session.hasEnded else { return }
            guard try await !page(of: session, after: session.lastStored, limit: 1).isEmpty else { return }
            guard await OfflineFlushLock.take(session, { inbox?.release() }) else {
                return LiveMessageDeposit.begin(for: session, limitRule)
            }
            defer { OfflineFlushLock.end(session) }
            if try await !send(to: session, inbox) { LiveMessageDeposit.begin(for: session, limitRule) }
        } catch {
            Log.error(
                "cannot hand out the messages that wait for a user", [Field("session", session.jid), Field("error", error)])
        }
    }

    private static func page(
        of session: Session, after: Int64, limit: Int = pageLength
    ) async throws(StorageError) -> [OfflineRepository.Header] {
        try await session.host.server.store.offline.headers(
            UserKey(session.jid), after: after, limit: limit, now: ClockText.milliseconds)
    }

    /// Sends the messages. They are deleted when the client has acknowledged them (XEP-0198), without that when the network has
    /// taken them. The next portion is read when the client has read most of the one before.
    /// - Returns: whether the client stayed to the end.
    private static func send(to session: Session, _ inbox: InboxRelease?) async throws(StorageError) -> Bool {
        var last = session.lastStored
        var sent: [(written: UInt64, upTo: Int64)] = []
        while true {
            let headers = try await page(of: session, after: last)
            last = headers.last?.sequence ?? last
            for portion in OfflineOrdering.portions(headers, bytes: Session.storedPortion) {
                guard session.isReachable else { return false }
                try await send(portion, to: session)
                if session.streamManagement == nil, let end = portion.last { sent.append((session.writtenBytes, end.upTo)) }
                let isThere = await session.roomForStored { inbox?.release() }
                try await delete(&sent, of: session)
                guard isThere else { return false }
            }
            if headers.count < pageLength { break }
        }
        while let end = sent.first {
            guard await session.hasTaken(end.written, { inbox?.release() }) else { return false }
            try await delete(&sent, of: session)
        }
        return session.isReachable
    }

    private static func send(_ portion: [OfflineOrdering.Place], to session: Session) async throws(StorageError) {
        let stanzas = try await session.host.server.store.offline.stanzas(UserKey(session.jid), portion.map(\.message.sequence))
        guard !session.hasEnded else { return }
        var rest = stanzas[...]
        for place in portion {
            // Messages that were deleted meanwhile are not among them.
            guard let next = rest.first, next.sequence == place.message.sequence else { continue }
            rest.removeFirst()
            guard !session.hasStored(next.sequence) else { continue }
            session.stored(place.upTo) { LiveMessageBuffer.pass([next.stanza], to: session) }
        }
    }

    /// Deletes the messages that the network has taken.
    private static func delete(_ sent: inout [(written: UInt64, upTo: Int64)], of session: Session) async throws(StorageError) {
        let taken = session.takenBytes
        let count = sent.prefix { $0.written <= taken }.count
        guard count > 0 else { return }
        let upTo = sent[count - 1].upTo
        sent.removeFirst(count)
        try await session.host.server.store.offline.delete(UserKey(session.jid), upTo: upTo)
    }

    private static func forget(_ stanzas: StoredStanzas) {
        let (host, user) = (stanzas.session.host, stanzas.session.jid)
        Loop.spawn {
            do throws(StorageError) {
                try await host.server.store.offline.delete(UserKey(user), upTo: stanzas.upTo)
            } catch {
                Log.error("cannot delete messages that were handed out", [Field("user", user.bare), Field("error", error)])
            }
        }
    }
}
