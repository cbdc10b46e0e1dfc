internal import IPC
internal import Network
internal import SharedState
internal import Telemetry
internal import XMPP

/// Sessions on their way to or from another worker (`IPC/MigrationMessage.swift` has the course of it).
@LoopActor
final class SessionMigration {
    /// A session that has left, or is about to. What comes for it goes after it.
    private final class OutgoingMigration {
        let session: Session
        let slot: UInt8
        /// Those of its messages whose senders are not told yet that they were handled.
        let tickets: [UInt64]
        var successor: UInt64?
        /// Comes while it is not known where it will be, and under which number.
        var pending: [@LoopActor (UInt8, UInt64) -> Void] = []

        init(_ session: Session, to slot: UInt8, _ tickets: [UInt64]) {
            self.tickets = tickets
            self.session = session
            self.slot = slot
        }
    }

    private unowned let server: Server
    private var departures: [UInt64: OutgoingMigration] = [:]
    private var arrivals: [UInt64: Session] = [:]
    private var claims: [UInt64: (slot: UInt8, connection: UInt64, answer: @LoopActor (Session?) -> Void)] = [:]
    private var lastTicket: UInt64 = 0

    init(server: Server) { self.server = server }

    /// Sessions that have not quite left.
    var departing: Int { departures.count }

    /// Sessions that may still be overtaken by what comes another way.
    var isIdle: Bool { departures.isEmpty && arrivals.isEmpty && claims.isEmpty }

    private func send(_ message: MigrationMessage, to slot: UInt8) -> Bool {
        server.mesh?.send(MeshFrame.transfer(message).encoded(), to: slot) == true
    }

    // MARK: Leaving

    /// Sends a session to another worker, if it can go now: it must be settled, and no longer new here itself.
    @discardableResult
    func depart(_ session: Session, to slot: UInt8, ticket: UInt64 = 0) -> Bool {
        guard !session.hasEnded, session.isSettled, session.barrier == nil, let streamManagement = session.streamManagement,
            streamManagement.isResumable, server.session(session.connection) === session
        else { return false }
        session.host.hooks.sessionMoving.tell(session)
        let tickets = (0..<streamManagement.unacked.waitingCount).map { _ in server.ackHolds.newTicket() }
        let parcel = SessionSnapshot(session, streamManagement, tickets)
        let message = MigrationMessage.parcel(ticket: ticket, connection: session.connection, contents: parcel.encoded())
        guard send(message, to: slot) else { return false }
        for (message, ticket) in zip(streamManagement.unacked.waiting, tickets) {
            guard let ackHold = message.ackHold else { continue }
            server.ackHolds.lend(ackHold, message.bytes, to: slot, ticket, since: message.since)
        }
        session.stream?.pauseReading()
        server.takeOut(session)
        departures[session.connection] = OutgoingMigration(session, to: slot, tickets)
        return true
    }

    private func adopted(_ connection: UInt64, _ successor: UInt64, by slot: UInt8) {
        guard let departure = departures[connection], departure.slot == slot else { return }
        departure.successor = successor
        departure.session.discardAfterMigration()
        let pending = departure.pending
        departure.pending = []
        for body in pending { body(slot, successor) }
    }

    /// The session stays. Its entry may have been the other worker's for a moment.
    private func declined(_ connection: UInt64) {
        guard let departure = departures.removeValue(forKey: connection), departure.successor == nil else { return }
        let session = departure.session
        for ticket in departure.tickets { server.ackHolds.cancel(ticket, of: departure.slot) }
        server.add(session)
        do {
            try server.directory.replace(session.record)
        } catch {
            Log.error("session table refuses an entry", [Field("session", session.jid), Field("error", "\(error)")])
        }
        session.stream?.resumeReading()
        for body in departure.pending { body(server.slot, connection) }
    }

    // MARK: What comes late

    /// Sends a stanza after a session that has left. False: there is none with that number.
    @discardableResult
    func forward(_ stanza: RenderedStanza, to connection: UInt64) -> Bool {
        follow(connection) { [unowned server] slot, successor in
            if slot != server.slot {
                server.forward(stanza, to: [successor], at: slot, follows: true)
            } else if let session = server.session(successor) {
                session.deliver(stanza)
            } else {
                server.redeliver(stanza)
            }
        }
    }

    /// The same for the end that another worker has in mind for it.
    func forwardClose(_ connection: UInt64, _ error: StreamError) {
        _ = follow(connection) { [unowned server] slot, successor in
            server.close(SessionOwner(slot: slot, incarnation: 0, connection: successor), error)
        }
    }

    /// Sends an event after those sessions of a user that have left.
    func forward(_ topic: String, to user: JID, _ payload: [UInt8]) {
        guard !departures.isEmpty else { return }
        for (connection, departure) in departures where departure.session.jid.bare == user {
            _ = follow(connection) { [unowned server] slot, _ in
                guard slot != server.slot else { return }
                server.mesh?.send(
                    MeshFrame.event(topic: topic, user: user.bareText, payload: payload).encoded(), to: slot)
            }
        }
    }

    /// Runs `body` with where a session is now, as soon as that is known.
    private func follow(_ connection: UInt64, _ body: @escaping @LoopActor (UInt8, UInt64) -> Void) -> Bool {
        guard let departure = departures[connection] else { return false }
        if let successor = departure.successor { body(departure.slot, successor) } else { departure.pending.append(body) }
        return true
    }

    // MARK: Arriving

    /// Asks another worker for a session. Nil: there is none with that key, or it cannot go.
    func claim(_ owner: SessionOwner, key: String, connection: UInt64) async -> Session? {
        lastTicket += 1
        let ticket = lastTicket
        return await withCheckedContinuation { continuation in
            claims[ticket] = (owner.slot, connection, { continuation.resume(returning: $0) })
            if !send(.claim(ticket: ticket, connection: owner.connection, key: key), to: owner.slot) {
                claims.removeValue(forKey: ticket)?.answer(nil)
            }
        }
    }

    private func claimed(_ connection: UInt64, _ key: String, ticket: UInt64, by slot: UInt8) {
        guard let session = server.session(connection), session.isResumable(with: key) else {
            _ = send(.refused(ticket: ticket), to: slot)
            return
        }
        session.loseStream(StreamError(.conflict, text: "Resumed by another connection"))
        session.whenSettled { [self] in
            if !depart(session, to: slot, ticket: ticket) { _ = send(.refused(ticket: ticket), to: slot) }
        }
    }

    private func arrive(_ contents: [UInt8], ticket: UInt64, from connection: UInt64, at origin: UInt8) {
        let claim = claims.removeValue(forKey: ticket)
        do {
            let parcel = try SessionSnapshot(decoding: contents)
            guard let host = server.host(JID.prepared(parcel.user).domain) else { throw StanzaError(.itemNotFound) }
            let session = parcel.session(claim?.connection ?? Connection.newNumber(), on: host, from: origin)
            try server.directory.replace(session.record)
            server.add(session)
            parcel.unpack(for: session)
            session.startResumeTimer()
            _ = send(.adopted(connection: connection, successor: session.connection), to: origin)
            raiseBarrier(for: session, origin, connection)
            claim?.answer(session)
        } catch {
            Log.error("cannot take over a session", [Field("slot", origin), Field("error", "\(error)")])
            _ = send(.declined(connection: connection), to: origin)
            claim?.answer(nil)
        }
    }

    private func raiseBarrier(for session: Session, _ origin: UInt8, _ connection: UInt64) {
        // This worker, too, may have sent something there just now.
        var awaited: Set<UInt8> = [server.slot]
        for slot in server.mesh?.peers ?? [] where slot != origin {
            if send(.barrier(connection: connection, owner: origin), to: slot) { awaited.insert(slot) }
        }
        session.barrier = ReorderBarrier(origin: origin, connection: connection, awaited: awaited)
        arrivals[session.connection] = session
        _ = send(.echo(connection: connection), to: origin)
    }

    private func passed(_ slot: UInt8, _ successor: UInt64) {
        guard let session = arrivals[successor] else { return }
        guard let barrier = session.barrier else {
            arrivals[successor] = nil
            return
        }
        guard barrier.passed(slot) else { return }
        arrivals[successor] = nil
        _ = send(.settled(connection: barrier.connection), to: barrier.origin)
        barrier.open(session)
    }

    /// A worker is dead that the session came from or was about to go to, and perhaps with it something that others had sent
    /// there. Who resumes relies on having missed nothing; who begins anew looks in the archive.
    private func endIncomplete(_ session: Session) {
        Log.notice("a worker died while a session moved, which may have missed something", [Field("session", session.jid)])
        session.close(StreamError(.reset, text: "Messages may be missing from this session"))
    }

    // MARK: Messages

    func receive(_ message: MigrationMessage, from slot: UInt8) {
        switch message {
        case .claim(let ticket, let connection, let key): claimed(connection, key, ticket: ticket, by: slot)
        case .refused(let ticket): claims.removeValue(forKey: ticket)?.answer(nil)
        case .parcel(let ticket, let connection, let contents): arrive(contents, ticket: ticket, from: connection, at: slot)
        case .adopted(let connection, let successor): adopted(connection, successor, by: slot)
        case .declined(let connection): declined(connection)
        case .barrier(let connection, let owner): _ = send(.echo(connection: connection), to: owner)
        case .echo(let connection):
            _ = follow(connection) { [unowned self] home, successor in
                _ = send(.passed(successor: successor, slot: slot), to: home)
            }
        case .passed(let successor, let slot): passed(slot, successor)
        case .settled(let connection): departures[connection] = nil
        }
    }

    /// A worker is gone: nothing more comes from there, and what had left for it is lost or was never taken.
    func peerGone(_ slot: UInt8) {
        for (ticket, claim) in claims where claim.slot == slot {
            claims[ticket] = nil
            claim.answer(nil)
        }
        for (connection, departure) in departures where departure.slot == slot {
            guard departure.successor == nil else {
                departures[connection] = nil
                continue
            }
            // If it was seen there, others have sent to it there.
            let wasTaken = server.session(departure.session.jid)?.owner != departure.session.owner
            declined(connection)
            if wasTaken { endIncomplete(departure.session) }
        }
        for (successor, session) in arrivals {
            guard let barrier = session.barrier else { continue }
            if barrier.origin == slot {
                arrivals[successor] = nil
                barrier.open(session)
                endIncomplete(session)
            } else {
                passed(slot, successor)
            }
        }
    }
}
