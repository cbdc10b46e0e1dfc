internal import IPC
internal import Network
internal import XMPP

/// The messages of this worker that senders wait to be told of: those that ended in this turn, those that another
/// worker has, and the sessions whose clients may take too long.
@LoopActor
final class Custodies {
    private struct Loan {
        let custody: Custody
        let bytes: [UInt8]
        let slot: UInt8
        let since: Int64
    }

    /// Messages, and their bytes, that one other worker may have; with more, their senders wait.
    private static let mostLent = 4096
    private static let mostLentBytes = 8 << 20
    /// Milliseconds from one look at the sessions to the next.
    private static let step: Int64 = 500

    /// Not weak, which would make every use of the server dearer.
    private unowned let server: Server
    private var over: [Custody.Owner] = []
    private var loans: [UInt64: Loan] = [:]
    private var lent: [UInt8: (count: Int, bytes: Int)] = [:]
    private var lookingForRoom: [(slot: UInt8, resume: CheckedContinuation<Void, Never>)] = []
    private var lastTicket: UInt64
    private var watched: [Session] = []
    private var timer: Loop.Timer?

    init(server: Server) {
        self.server = server
        // A worker must not take for its own what was given to one that is dead.
        lastTicket = UInt64(server.incarnation) << 32
    }

    /// No other worker has anything of this one's.
    var isIdle: Bool { loans.isEmpty }

    // MARK: The end of each

    /// Called when nobody holds it any more, in the middle of anything: what follows waits for the end of the turn.
    func ended(_ owner: Custody.Owner) {
        if over.isEmpty { Loop.endOfTurn { [self] in settle() } }
        over.append(owner)
    }

    private func settle() {
        let now = over
        over = []
        var tickets: [UInt8: [UInt64]] = [:]
        for owner in now {
            switch owner {
            case .sender(let promise): promise.keep()
            case .row(let row, let user, let keeper): keeper.forget([row], of: user)
            case .peer(let slot, let ticket): tickets[slot, default: []].append(ticket)
            }
        }
        for (slot, tickets) in tickets { server.mesh?.send(MeshFrame.settled(tickets: tickets).encoded(), to: slot) }
    }

    // MARK: With other workers

    func newTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }

    /// Another worker has the message now.
    func lend(_ custody: Custody, _ bytes: [UInt8], to slot: UInt8, _ ticket: UInt64, since: Int64 = Loop.now) {
        loans[ticket] = Loan(custody: custody, bytes: bytes, slot: slot, since: since)
        lent[slot, default: (0, 0)].count += 1
        lent[slot]?.bytes += bytes.count
    }

    /// That worker says that somebody has them.
    func settled(_ tickets: [UInt64], by slot: UInt8) {
        for ticket in tickets where loans[ticket]?.slot == slot { cancel(ticket) }
    }

    func cancel(_ ticket: UInt64) {
        guard let loan = loans.removeValue(forKey: ticket) else { return }
        lent[loan.slot]?.count -= 1
        lent[loan.slot]?.bytes -= loan.bytes.count
        tellOfRoom()
    }

    /// A worker is gone, and what it had not handed on may be gone with it: all of that finds its way anew.
    func peerGone(_ slot: UInt8) {
        let tickets = loans.filter { $0.value.slot == slot }.keys.sorted()
        let lost = tickets.compactMap { loans.removeValue(forKey: $0) }
        lent[slot] = nil
        tellOfRoom()
        for loan in lost {
            guard let stanza = server.stanza(loan.bytes) else { continue }
            guard let host = stanza.to.flatMap({ server.host($0.domain) }) else {
                server.redeliver(stanza, custody: loan.custody)
                continue
            }
            server.redeliver([LeftStanza(bytes: loan.bytes, sentAt: loan.since, custody: loan.custody)], on: host)
        }
    }

    func hasRoom(for slot: UInt8) -> Bool {
        guard let lent = lent[slot] else { return true }
        return lent.count < Self.mostLent && lent.bytes < Self.mostLentBytes
    }

    /// Waits until another worker may be given more.
    func room(for slot: UInt8) async {
        guard !hasRoom(for: slot) else { return }
        await withCheckedContinuation { lookingForRoom.append((slot, $0)) }
    }

    private func tellOfRoom() {
        guard !lookingForRoom.isEmpty else { return }
        let served = lookingForRoom.filter { hasRoom(for: $0.slot) }
        guard !served.isEmpty else { return }
        lookingForRoom.removeAll { hasRoom(for: $0.slot) }
        for one in served { one.resume.resume() }
    }

    // MARK: With clients

    /// Looks at a session now and then, until its client has everything or it is stored.
    func watch(_ session: Session) {
        watched.append(session)
        guard timer == nil else { return }
        timer = Loop.every(Self.step) { [self] in look() }
    }

    private func look() {
        let now = watched
        watched = []
        watched = now.filter { session in
            guard !session.hasEnded, let acknowledgements = session.acknowledgements else { return false }
            return acknowledgements.isToBeWatched(session)
        } + watched
        guard watched.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }
}
