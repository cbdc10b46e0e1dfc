internal import Network
internal import SharedState
internal import Storage
internal import Streams
internal import Telemetry
internal import XMPP

/// Bounds how long a message delays its sender's acknowledgement: a client that does not acknowledge it is asked, and then
/// the message is stored.
extension StreamManagementState {
    /// Milliseconds for which a message may be unacknowledged before its client is asked.
    private static let requestAfterMilliseconds: Int64 = 250
    /// Milliseconds for which a message may be unacknowledged before it is stored.
    private static let storeAfterMilliseconds: Int64 = 750
    /// Messages that one transaction stores, and bytes of them, of which a larger one is stored alone; the next one stores the others.
    private static let maxBatch = 500
    private static let maxBatchBytes = 64 << 10

    /// Tracks the stanza sent last, which delays its sender's acknowledgement.
    func trackUnacked(_ bytes: [UInt8], _ ackHold: AckHold, _ session: Session) {
        let isFirst = unacked.waitingCount == 0
        unacked.add(waiting.sent, bytes, since: Loop.turnBegan, ackHold)
        if isFirst { watch(session) }
    }

    func watch(_ session: Session) {
        guard !isWatched, unacked.waitingCount > 0 else { return }
        isWatched = true
        session.host.server.ackHolds.watch(session)
        if session.stream == nil { storeAtEndOfTurn(session) }
    }

    /// Removes what the client has acknowledged, and its stored copies.
    func forgetAcknowledged(_ session: Session) { forget(unacked.acknowledge(waiting.acknowledged), session) }

    private func forget(_ rows: [Int64], _ session: Session) {
        guard !rows.isEmpty else { return }
        session.host.offlineStore?.forget(rows, of: session.jid.bare)
    }

    /// Stores the messages that are due, or asks the client for an acknowledgement.
    /// - Returns: false if no message waits any more and none is being stored.
    func checkUnacked(_ session: Session) -> Bool {
        guard let first = unacked.waiting.first else {
            isWatched = isStoring
            return isWatched
        }
        if session.stream == nil || first.since <= Loop.now - Self.storeAfterMilliseconds {
            store(session, sentBefore: session.stream == nil ? .max : Loop.now - Self.storeAfterMilliseconds)
        } else if first.since <= Loop.now - Self.requestAfterMilliseconds {
            requestOverdueAcknowledgement(session)
        }
        return true
    }

    /// Stores the messages of a disconnected client when the turn ends: no acknowledgement can come.
    func storeAtEndOfTurn(_ session: Session) {
        guard unacked.waitingCount > 0 else { return }
        // Not now: a session that has just migrated here is not in the tables yet.
        Loop.endOfTurn { [self] in
            guard !session.hasEnded, session.stream == nil else { return }
            store(session, sentBefore: .max)
        }
    }

    private func store(_ session: Session, sentBefore moment: Int64) {
        guard !isStoring, session.host.server.session(session.connection) === session else { return }
        guard let offlineStore = session.host.offlineStore else { return unacked.dropWaiting() }
        let (server, host, user) = (session.host.server, session.host, session.jid.bare)
        let due = unacked.beginStoring(sentBefore: moment, most: Self.maxBatch, mostBytes: Self.maxBatchBytes)
        guard !due.isEmpty else { return }
        let stanzas = due.map { ($0.number, server.stamped($0.bytes, sentAt: $0.since, host)) }
        isStoring = true
        server.background { [self] in
            var isStored = true
            do throws(StorageError) {
                let rows = try await offlineStore.store(stanzas.compactMap(\.1), for: user)
                let numbers = stanzas.filter { $0.1 != nil }.map(\.0)
                didStore(Array(zip(numbers, rows)).map { (number: $0, row: $1) }, session, offlineStore)
            } catch {
                Log.error(
                    "cannot store messages that a client has not acknowledged",
                    [Field("session", session.jid), Field("error", error)])
                didNotStore(session, offlineStore)
                isStored = false
            }
            isStoring = false
            session.notifyIfSettled()
            // The next ones may be due as well.
            if isStored, unacked.waitingCount > 0, !session.hasEnded { _ = checkUnacked(session) }
        }
    }

    private func didStore(_ rows: [(number: UInt32, row: Int64)], _ session: Session, _ offlineStore: any OfflineStore) {
        forget(unacked.endStoring(rows), session)
        guard session.hasEnded else { return }
        reroute(Array(unacked.stored), session, offlineStore)
        unacked = UnackedMessages()
    }

    /// Leaves the messages for the next check. `removeUndelivered` has left them out if the session has ended meanwhile: then
    /// they are routed anew here.
    private func didNotStore(_ session: Session, _ offlineStore: any OfflineStore) {
        let undelivered = unacked.storing.map { UndeliveredStanza(bytes: $0.bytes, sentAt: $0.since, ackHold: $0.ackHold) }
        unacked.giveUpStoring()
        guard session.hasEnded else { return }
        reroute(Array(unacked.stored), session, offlineStore)
        unacked = UnackedMessages()
        session.host.server.redeliver(undelivered, on: session.host)
    }

    /// Removes the messages of a session that ends.
    /// - Returns: the stanzas that its client has not acknowledged, except those that are stored or being stored.
    func removeUndelivered(_ session: Session) -> [UndeliveredStanza] {
        var undelivered: [UndeliveredStanza] = []
        var messages = unacked.all
        for (place, entry) in waiting.waiting.enumerated() {
            let number = waiting.acknowledged &+ UInt32(truncatingIfNeeded: place + 1)
            var ackHold: AckHold?
            if let message = messages.first, message.number == number {
                let isElsewhere = messages.startIndex < unacked.waiting.startIndex
                messages.removeFirst()
                if isElsewhere { continue }
                ackHold = message.ackHold
            }
            if entry.receipt == 0 {
                undelivered.append(UndeliveredStanza(bytes: entry.bytes, sentAt: entry.sentAt, ackHold: ackHold))
            }
        }
        if isStoring {
            unacked.dropWaiting()
        } else {
            if let offlineStore = session.host.offlineStore { reroute(Array(unacked.stored), session, offlineStore) }
            unacked = UnackedMessages()
        }
        return undelivered
    }

    /// Routes the stored messages of an ended session anew if another resource takes messages; otherwise they stay stored for
    /// the next one. A resource that came first has taken and deleted them: what is not stored any more is left out.
    private func reroute(
        _ messages: [UnackedMessages.Message], _ session: Session, _ offlineStore: any OfflineStore
    ) {
        guard !messages.isEmpty else { return }
        let (server, host, user) = (session.host.server, session.host, session.jid.bare)
        server.background {
            guard server.sessions(of: user).contains(where: { $0.flags.contains(.available) && $0.priority >= 0 }) else { return }
            do throws(StorageError) {
                let rows = try await offlineStore.stored(among: messages.map(\.row), of: user)
                let undelivered = messages.filter { rows.contains($0.row) }.map {
                    let ackHold = AckHold(of: $0.row, user, offlineStore, server.ackHolds)
                    return UndeliveredStanza(bytes: $0.bytes, sentAt: $0.since, ackHold: ackHold)
                }
                server.redeliver(undelivered, on: host)
            } catch {
                Log.error("cannot look up what a session has left", [Field("user", user), Field("error", error)])
            }
        }
    }
}
