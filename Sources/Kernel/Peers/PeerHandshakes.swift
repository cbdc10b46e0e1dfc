internal import IPC
internal import Network

/// Peers that have not confirmed the greeting of this worker. Until they do they take its sessions for orphans and store
/// messages instead of sending them here, so no client is served and no session adopted before.
@LoopActor
final class PeerHandshakes {
    private var pending: Set<UInt8> = []
    private let allConfirmed = Loop.Signal()

    /// Awaits the confirmation of a worker that is connected now.
    func connected(_ slot: UInt8) { pending.insert(slot) }

    /// That worker is gone: its answer is not awaited any longer.
    func removed(_ slot: UInt8) { confirmed(slot) }

    /// That worker has said that it knows this one.
    func confirmed(_ slot: UInt8) {
        pending.remove(slot)
        if pending.isEmpty { allConfirmed.fire() }
    }

    /// Waits until all have confirmed, or so many milliseconds have passed.
    /// - Returns: false if some have not.
    func wait(within milliseconds: Int64) async -> Bool {
        if !pending.isEmpty { _ = await allConfirmed.wait(within: milliseconds) }
        return pending.isEmpty
    }
}
