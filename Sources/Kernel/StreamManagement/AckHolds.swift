internal import IPC
internal import Network
internal import XMPP

/// All ack holds of a worker: those released in this turn, the send windows of the other workers, and the sessions whose
/// clients have messages that are neither acknowledged nor stored.
@LoopActor
final class AckHolds {
    /// Milliseconds from one check of the watched sessions to the next.
    private static let checkMilliseconds: Int64 = 500

    /// Not weak: each use of a weak reference looks its side table up.
    private unowned let server: Server
    /// Touched on the loop only. `deinit` of a hold has no isolation and no free way to prove it.
    private nonisolated(unsafe) var released: [AckHold.Owner] = []
    /// By slot.
    private var windows: [PeerSendWindow] = []
    /// For the senders that wait until a slot has room.
    private var roomSignals: [UInt8: Loop.Signal] = [:]
    private var lastTicket: UInt64
    private var watched: [Session] = []
    /// Those of them that the present check has not come to.
    private var unchecked: [Session] = []
    private var timer: Loop.Timer?

    init(server: Server) {
        self.server = server
        // Tickets of a former incarnation in the same slot come back as unknown ones.
        lastTicket = UInt64(server.incarnation) << 32
    }

    /// No other worker has a message that it has not confirmed.
    var isIdle: Bool { windows.allSatisfy(\.isEmpty) }

    // MARK: The end of each

    /// Takes note of a hold that has lost its last reference. The release follows at the end of the turn, since this one may
    /// come in the middle of anything.
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

    /// Enters a message that was sent to another worker into its window. Tickets come in the order in which they were made.
    func track(_ ackHold: AckHold, _ bytes: [UInt8], to slot: UInt8, _ ticket: UInt64, since: Int64 = Loop.turnBegan) {
        while windows.count <= slot { windows.append(PeerSendWindow()) }
        windows[Int(slot)].track(ticket, bytes, ackHold, since: since)
    }

    /// Ends tickets that a worker has given back: the messages are with their clients there, or stored.
    func confirm(_ tickets: [UInt64], by slot: UInt8) {
        guard slot < windows.count else { return }
        for ticket in tickets { _ = windows[Int(slot)].confirm(ticket) }
        resumeSenders(to: slot)
    }

    /// Ends the ticket of a message that the worker has not taken after all.
    func cancel(_ ticket: UInt64, of slot: UInt8) { confirm([ticket], by: slot) }

    /// Routes the messages anew that a worker had not confirmed when it died: they may have died with it.
    func peerGone(_ slot: UInt8) {
        guard slot < windows.count else { return }
        let lost = windows[Int(slot)].removeAll()
        resumeSenders(to: slot)
        server.redeliver(lost.map { UndeliveredStanza(bytes: $0.bytes, sentAt: $0.since, ackHold: $0.ackHold) }, on: nil)
    }

    func hasRoom(in slot: UInt8) -> Bool { slot >= windows.count || windows[Int(slot)].hasRoom }

    /// Waits until the worker's window has room, or the worker is gone.
    func waitForRoom(in slot: UInt8) async {
        guard !hasRoom(in: slot) else { return }
        let signal = roomSignals[slot] ?? Loop.Signal()
        roomSignals[slot] = signal
        await signal.wait()
    }

    private func resumeSenders(to slot: UInt8) {
        if hasRoom(in: slot) { roomSignals.removeValue(forKey: slot)?.fire() }
    }

    // MARK: With clients

    /// Checks a session at intervals until each of its messages is acknowledged or stored.
    func watch(_ session: Session) {
        watched.append(session)
        guard timer == nil else { return }
        timer = Loop.every(Self.checkMilliseconds) { [self] in checkWatched() }
    }

    private func checkWatched() {
        guard unchecked.isEmpty else { return }
        swap(&watched, &unchecked)
        check(from: 0)
    }

    /// Checks the sessions whose turn it is, in as many turns of the loop as that takes.
    private func check(from first: Int) {
        for place in unchecked.indices.dropFirst(first) {
            let session = unchecked[place]
            if !session.hasEnded, session.streamManagement?.checkUnacked(session) == true { watched.append(session) }
            if TurnClock.isOver, place + 1 < unchecked.count { return Loop.submit { self.check(from: place + 1) } }
        }
        unchecked = []
        guard watched.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }
}
