internal import IPC
internal import Network
internal import SharedState
internal import Telemetry
internal import XMPP

/// Sessions on their way to or from another worker (`IPC/MigrationMessage.swift` has the course of it).
@LoopActor
final class SessionMigration {
    /// Milliseconds for which a claim waits for its session; then the client is refused, and may try again.
    private static let claimMilliseconds: Int64 = 10_000
    /// Milliseconds for which a barrier waits for the markers of all workers; then it opens, and order is given up.
    private static let barrierMilliseconds: Int64 = 10_000

    /// A session that has come and whose barrier is not open. It outlasts its session: the former worker waits for `completed`
    /// however the session ends.
    private struct IncomingMigration {
        let session: Session
        let barrier: ReorderBarrier
        let timer: Loop.Timer
    }

    /// A client here that resumes a session of another worker.
    private struct Claim {
        let slot: UInt8
        let connection: UInt64
        let timer: Loop.Timer
        let answer: @LoopActor (Session?) -> Void
    }

    private unowned let server: Server
    private var outgoing: [UInt64: OutgoingMigration] = [:]
    private var incoming: [UInt64: IncomingMigration] = [:]
    private var claims: [UInt64: Claim] = [:]
    private var lastClaim: UInt64 = 0

    init(server: Server) {
        self.server = server
    }

    /// Sessions whose migration to another worker is not complete.
    var outgoingCount: Int { outgoing.count }

    /// When the oldest of these migrations began, in milliseconds of `Loop.now`.
    var oldestOutgoing: Int64? { outgoing.values.map(\.since).min() }

    /// No migration is under way, in either direction.
    var isIdle: Bool { outgoing.isEmpty && incoming.isEmpty && claims.isEmpty }

    // MARK: Leaving

    /// Sends a settled session to another worker.
    /// - Returns: false if it stays: it is not settled, not resumable or behind a barrier of its own, or the mesh refuses its
    ///   snapshot.
    @discardableResult
    func migrate(_ session: Session, to slot: UInt8, ticket: UInt64 = 0) -> Bool {
        guard !session.hasEnded, session.isSettled, session.barrier == nil, let streamManagement = session.streamManagement,
            streamManagement.isResumable, server.session(session.connection) === session
        else { return false }
        session.flushFilters()
        let tickets = (0..<streamManagement.unacked.waitingCount).map { _ in server.ackHolds.newTicket() }
        let snapshot = SessionSnapshot(session, streamManagement, tickets)
        let message = MigrationMessage.snapshot(ticket: ticket, connection: session.connection, contents: snapshot.encoded())
        guard server.outbox.sendNow(.transfer(message), to: slot) else { return false }
        for (message, ticket) in zip(streamManagement.unacked.waiting, tickets) {
            guard let ackHold = message.ackHold else { continue }
            server.ackHolds.track(ackHold, message.bytes, to: slot, ticket, since: message.since)
        }
        session.pauseReading()
        server.removeLocally(session)
        let migration = OutgoingMigration(session, to: slot, tickets)
        outgoing[session.connection] = migration
        migration.timer = Loop.after(OutgoingMigration.deadlineMilliseconds) { [weak self] in self?.expire(session.connection) }
        return true
    }

    private func handleAdopted(_ connection: UInt64, _ successor: UInt64, by slot: UInt8) {
        guard let migration = outgoing[connection] else {
            // The migration was given up, and the session ended here.
            server.close(SessionOwner(slot: slot, incarnation: 0, connection: successor), Self.incomplete)
            return
        }
        guard migration.slot == slot, migration.successor == nil else { return }
        migration.successor = successor
        migration.session.discardAfterMigration()
        for followUp in migration.removePending() { send(followUp, after: migration, successor) }
    }

    /// Lets the session stay here.
    private func handleDeclined(_ connection: UInt64, by slot: UInt8) {
        guard let migration = outgoing[connection], migration.slot == slot, migration.successor == nil else { return }
        restore(migration)
        migration.session.resumeReading()
        for followUp in migration.removePending() { apply(followUp, migration.session) }
    }

    /// Puts the session into the tables again; its entry may have been the other worker's for a moment.
    private func restore(_ migration: OutgoingMigration) {
        let session = migration.session
        drop(session.connection)
        for ticket in migration.tickets { server.ackHolds.cancel(ticket, of: migration.slot) }
        server.add(session)
        do {
            try server.directory.replace(session.record)
        } catch {
            Log.error("session table refuses an entry", [Field("session", session.jid), Field("error", "\(error)")])
        }
    }

    private func drop(_ connection: UInt64) {
        outgoing.removeValue(forKey: connection)?.timer?.cancel()
    }

    private func expire(_ connection: UInt64) {
        guard let migration = outgoing[connection] else { return }
        if migration.successor == nil { return abandon(migration, "The other worker has not answered in time") }
        Log.notice(
            "a migration has no end, dropping it", [Field("session", migration.session.jid), Field("slot", migration.slot)])
        drop(connection)
    }

    /// Ends the session here, since it is not known whether the other worker has it; there it ends when that says so.
    private func abandon(_ migration: OutgoingMigration, _ reason: String) {
        Log.notice(
            "a session cannot migrate and ends",
            [Field("session", migration.session.jid), Field("slot", migration.slot), Field("reason", reason)])
        restore(migration)
        migration.session.close(Self.incomplete)
        for followUp in migration.removePending() {
            if case .stanza(let stanza) = followUp { server.redeliver(stanza) }
        }
    }

    /// Leaves the end of a session that is not adopted yet to the other worker.
    /// - Returns: false if it is not such a session.
    func deferEnd(of session: Session) -> Bool {
        guard !outgoing.isEmpty, let migration = outgoing[session.connection], migration.session === session,
            migration.successor == nil
        else { return false }
        session.stream = nil
        guard !migration.isEnding else { return true }
        migration.isEnding = true
        followUp(session.connection, .close(StreamError(.reset, text: "The session's stream has ended")))
        return true
    }

    // MARK: What comes late

    /// Sends something after a session that has left, as soon as it is known which worker has it.
    /// - Returns: false if no session with that number has left.
    @discardableResult
    func followUp(_ connection: UInt64, _ followUp: MigrationFollowUp) -> Bool {
        guard let migration = outgoing[connection] else { return false }
        if let successor = migration.successor {
            send(followUp, after: migration, successor)
        } else if !migration.hold(followUp) {
            abandon(migration, "Too much waits to be sent after it")
        }
        return true
    }

    private func send(_ followUp: MigrationFollowUp, after migration: OutgoingMigration, _ successor: UInt64) {
        let slot = migration.slot
        switch followUp {
        case .stanza(let stanza): server.forward(stanza, to: [successor], at: slot, follows: true)
        case .event(let event): server.mesh?.send(event.frame(to: [successor]), to: slot)
        case .close(let error): server.close(SessionOwner(slot: slot, incarnation: 0, connection: successor), error)
        case .flushed(let other): send(.flushed(successor: successor, slot: other), to: slot)
        }
    }

    /// Gives a follow-up to a session that has stayed here.
    private func apply(_ followUp: MigrationFollowUp, _ session: Session) {
        switch followUp {
        case .stanza(let stanza): if session.hasEnded { server.redeliver(stanza) } else { session.deliver(stanza) }
        case .event(let event): session.host.handle(event, for: [session.connection])
        case .close(let error): session.close(error)
        case .flushed: break
        }
    }

    // MARK: Arriving

    /// Asks another worker for a session.
    /// - Returns: the session, which is here now; nil if there is none with that key, or it cannot migrate.
    func claim(_ owner: SessionOwner, key: String, connection: UInt64) async -> Session? {
        lastClaim += 1
        let ticket = lastClaim
        return await withCheckedContinuation { continuation in
            let timer = Loop.after(Self.claimMilliseconds) { [weak self] in
                Log.notice("a worker does not answer a claim for a session", [Field("slot", owner.slot)])
                self?.answer(ticket, nil)
            }
            claims[ticket] = Claim(slot: owner.slot, connection: connection, timer: timer) { continuation.resume(returning: $0) }
            if !server.outbox.sendNow(.transfer(.claim(ticket: ticket, connection: owner.connection, key: key)), to: owner.slot) {
                answer(ticket, nil)
            }
        }
    }

    private func answer(_ ticket: UInt64, _ session: Session?) {
        guard let claim = claims.removeValue(forKey: ticket) else { return }
        claim.timer.cancel()
        claim.answer(session)
    }

    private func handleClaim(_ connection: UInt64, _ key: String, ticket: UInt64, by slot: UInt8) {
        guard let session = server.session(connection), session.isResumable(with: key) else {
            send(.refused(ticket: ticket), to: slot)
            return
        }
        session.detach(closingWith: StreamError(.conflict, text: "Resumed by another connection"))
        session.whenSettled { [self] in
            if !migrate(session, to: slot, ticket: ticket) { send(.refused(ticket: ticket), to: slot) }
        }
    }

    private func receiveSnapshot(_ contents: [UInt8], ticket: UInt64, from connection: UInt64, at origin: UInt8) {
        do {
            let snapshot = try SessionSnapshot(decoding: contents)
            guard let host = server.host(JID.prepared(snapshot.user).domain) else { throw StanzaError(.itemNotFound) }
            let session = snapshot.makeSession(claims[ticket]?.connection ?? Connection.newNumber(), on: host, from: origin)
            try server.directory.replace(session.record)
            server.add(session)
            snapshot.decodeModuleState(for: session)
            session.startResumeTimer()
            send(.adopted(connection: connection, successor: session.connection), to: origin)
            raiseBarrier(for: session, origin, connection)
            answer(ticket, session)
        } catch {
            Log.error("cannot take over a session", [Field("slot", origin), Field("error", "\(error)")])
            send(.declined(connection: connection), to: origin)
            answer(ticket, nil)
        }
    }

    private func raiseBarrier(for session: Session, _ origin: UInt8, _ connection: UInt64) {
        // This worker, too, may have sent something to the former one just now.
        var awaited: Set<UInt8> = [server.slot]
        for slot in server.mesh?.peers ?? [] where slot != origin {
            if send(.flushMarker(connection: connection, owner: origin), to: slot) { awaited.insert(slot) }
        }
        let barrier = ReorderBarrier(origin: origin, connection: connection, awaited: awaited)
        if !session.hasEnded { session.barrier = barrier }
        let timer = Loop.after(Self.barrierMilliseconds) { [weak self] in
            Log.notice(
                "order is given up for a session that has migrated", [Field("session", session.jid), Field("slot", origin)])
            self?.complete(session.connection)
        }
        incoming[session.connection] = IncomingMigration(session: session, barrier: barrier, timer: timer)
        send(.flushAck(connection: connection), to: origin)
    }

    private func handleFlushed(_ slot: UInt8, _ successor: UInt64) {
        if incoming[successor]?.barrier.confirmFlush(of: slot) == true { complete(successor) }
    }

    /// Opens the barrier of a session before all markers are back.
    func openBarrier(of session: Session) {
        complete(session.connection)
        session.barrier?.open(session)
    }

    /// Opens the barrier of a session. The former worker is told even if the session has ended meanwhile.
    private func complete(_ successor: UInt64) {
        guard let migration = incoming.removeValue(forKey: successor) else { return }
        migration.timer.cancel()
        send(.completed(connection: migration.barrier.connection), to: migration.barrier.origin)
        if migration.session.barrier === migration.barrier { migration.barrier.open(migration.session) }
    }

    // MARK: Incomplete sessions

    private static var incomplete: StreamError { StreamError(.reset, text: "Messages may be missing from this session") }

    /// Ends a session from or to a worker that has died, perhaps with stanzas that others had sent there. A client that resumes
    /// relies on having missed nothing; one that begins anew looks in the archive.
    private func endIncomplete(_ session: Session) {
        guard !session.hasEnded else { return }
        Log.notice("a worker died while a session moved, which may have missed something", [Field("session", session.jid)])
        session.close(Self.incomplete)
    }

    // MARK: Messages

    /// Sends a message now, or when the mesh takes it.
    /// - Returns: false if that worker is gone, or too much is retained for it.
    @discardableResult
    private func send(_ message: MigrationMessage, to slot: UInt8) -> Bool { server.outbox.send(.transfer(message), to: slot) }

    func receive(_ message: MigrationMessage, from slot: UInt8) {
        switch message {
        case .claim(let ticket, let connection, let key): handleClaim(connection, key, ticket: ticket, by: slot)
        case .refused(let ticket): if claims[ticket]?.slot == slot { answer(ticket, nil) }
        case .snapshot(let ticket, let connection, let contents):
            receiveSnapshot(contents, ticket: ticket, from: connection, at: slot)
        case .adopted(let connection, let successor): handleAdopted(connection, successor, by: slot)
        case .declined(let connection): handleDeclined(connection, by: slot)
        case .flushMarker(let connection, let owner): send(.flushAck(connection: connection), to: owner)
        case .flushAck(let connection): followUp(connection, .flushed(slot: slot))
        case .flushed(let successor, let slot): handleFlushed(slot, successor)
        case .completed(let connection): if outgoing[connection]?.slot == slot { drop(connection) }
        }
    }

    /// Ends all migrations from and to a worker that has died.
    func peerGone(_ slot: UInt8) {
        for (ticket, claim) in claims where claim.slot == slot { answer(ticket, nil) }
        for (connection, migration) in outgoing where migration.slot == slot {
            guard migration.successor == nil else {
                drop(connection)
                continue
            }
            // Others may have sent stanzas to it there, if they saw it there.
            let wasSeenThere = server.session(migration.session.jid)?.owner != migration.session.owner
            handleDeclined(connection, by: slot)
            if wasSeenThere { endIncomplete(migration.session) }
        }
        for (successor, migration) in incoming {
            guard migration.barrier.origin == slot else {
                handleFlushed(slot, successor)
                continue
            }
            complete(successor)
            endIncomplete(migration.session)
        }
    }
}
