internal import IPC
internal import Network

/// Peers that have not confirmed the greeting of this worker. Until they do they take its sessions for orphans and store
/// messages instead of sending them here, so no client is served and no session adopted before.
@LoopActor
final class PeerHandshakes {
    private var pending: Set<UInt8> = []
    private var observers: [Int: CheckedContinuation<Void, Never>] = [:]
    private var lastObserver = 0

    /// Awaits the confirmation of a worker that is connected now.
    func connected(_ slot: UInt8) { pending.insert(slot) }

    /// That worker is gone: its answer is not awaited any longer.
    func removed(_ slot: UInt8) { confirmed(slot) }

    /// That worker has said that it knows this one.
    func confirmed(_ slot: UInt8) {
        pending.remove(slot)
        guard pending.isEmpty else { return }
        for observer in observers.keys.sorted() { observers.removeValue(forKey: observer)?.resume() }
    }

    /// Waits until all have confirmed, or so many milliseconds have passed.
    /// - Returns: false if some have not.
    func wait(within milliseconds: Int64) async -> Bool {
        guard !pending.isEmpty else { return true }
        lastObserver += 1
        let number = lastObserver
        let timer = Loop.after(milliseconds) { self.observers.removeValue(forKey: number)?.resume() }
        await withCheckedContinuation { observers[number] = $0 }
        timer.cancel()
        return pending.isEmpty
    }
}
