internal import IPC
internal import Network
internal import XMPP

/// The messages of this worker that senders wait to be told of: those that ended in this turn, those that another
/// worker has, and the sessions whose clients may take too long.
@LoopActor
final class AckHolds {
    /// Milliseconds from one look at the sessions to the next.
    private static let checkMilliseconds: Int64 = 500

    /// Not weak, which would make every use of the server dearer.
    private unowned let server: Server
    /// Touched on the loop only, as everything here; the end of a custody has no way to say so that costs nothing.
    private nonisolated(unsafe) var released: [AckHold.Owner] = []
    /// By slot.
    private var windows: [PeerSendWindow] = []
    private var waitingForRoom: [(slot: UInt8, resume: CheckedContinuation<Void, Never>)] = []
    private var lastTicket: UInt64
    private var watched: [Session] = []
    private var timer: Loop.Timer?

    init(server: Server) {
        self.server = server
        // A worker must not take for its own what was given to one that is dead.
        lastTicket = UInt64(server.incarnation) << 32
    }

    /// No other worker has anything of this one's.
    var isIdle: Bool { windows.allSatisfy(\.isEmpty) }

    // MARK: The end of each

    /// Called when nobody holds it any more, in the middle of anything: what follows waits for the end of the turn.
    nonisolated func releaseLater(_ owner: AckHold.Owner) {
        if released.isEmpty { LoopActor.assumeIsolated { Loop.endOfTurn { [self] in release() } } }
        released.append(owner)
    }

    private func release() {
        let now = released
        released = []
        var tickets: [UInt8: [UInt64]] = [:]
        for owner in now {
            switch owner {
            case .sender(let ack): ack.fulfill()
            case .row(let row, let user, let offlineStore): offlineStore.forget([row], of: user)
            case .peer(let slot, let ticket): tickets[slot, default: []].append(ticket)
            }
        }
        for (slot, tickets) in tickets { server.mesh?.send(MeshFrame.confirmed(tickets: tickets).encoded(), to: slot) }
    }

    // MARK: With other workers

    func newTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }

    /// Another worker has the message now, under the newest ticket or one of those taken in a row.
    func track(_ ackHold: AckHold, _ bytes: [UInt8], to slot: UInt8, _ ticket: UInt64, since: Int64 = Loop.turnBegan) {
        while windows.count <= slot { windows.append(PeerSendWindow()) }
        windows[Int(slot)].track(ticket, bytes, ackHold, since: since)
    }

    /// That worker says that somebody has them.
    func confirm(_ tickets: [UInt64], by slot: UInt8) {
        guard slot < windows.count else { return }
        for ticket in tickets { _ = windows[Int(slot)].confirm(ticket) }
        resumeSenders()
    }

    /// That worker did not take it.
    func cancel(_ ticket: UInt64, of slot: UInt8) { confirm([ticket], by: slot) }

    /// A worker is gone, and what it had not handed on may be gone with it: all of that finds its way anew.
    func peerGone(_ slot: UInt8) {
        guard slot < windows.count else { return }
        let lost = windows[Int(slot)].removeAll()
        resumeSenders()
        for message in lost {
            guard let stanza = server.stanza(message.bytes) else { continue }
            guard let host = stanza.to.flatMap({ server.host($0.domain) }) else {
                server.redeliver(stanza, ackHold: message.ackHold)
                continue
            }
            server.redeliver([UndeliveredStanza(bytes: message.bytes, sentAt: message.since, ackHold: message.ackHold)], on: host)
        }
    }

    func hasRoom(in slot: UInt8) -> Bool { slot >= windows.count || windows[Int(slot)].hasRoom }

    /// Waits until another worker may be given more.
    func waitForRoom(in slot: UInt8) async {
        guard !hasRoom(in: slot) else { return }
        await withCheckedContinuation { waitingForRoom.append((slot, $0)) }
    }

    private func resumeSenders() {
        guard !waitingForRoom.isEmpty else { return }
        let served = waitingForRoom.filter { hasRoom(in: $0.slot) }
        guard !served.isEmpty else { return }
        waitingForRoom.removeAll { hasRoom(in: $0.slot) }
        for sender in served { sender.resume.resume() }
    }

    // MARK: With clients

    /// Looks at a session now and then, until its client has everything or it is stored.
    func watch(_ session: Session) {
        watched.append(session)
        guard timer == nil else { return }
        timer = Loop.every(Self.checkMilliseconds) { [self] in checkWatched() }
    }

    private func checkWatched() {
        let now = watched
        watched = []
        watched =
            now.filter { session in
                guard !session.hasEnded, let streamManagement = session.streamManagement else { return false }
                return streamManagement.checkUnacked(session)
            } + watched
        guard watched.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }
}
