internal import IPC
internal import Network

/// The other workers that do not know this one yet: for them a session here is that of a worker which is gone, and what
/// is sent to it goes to storage. So nobody should be served here, nor moved here, before all have been heard.
@LoopActor
final class PeerHandshakes {
    private var pending: Set<UInt8> = []
    private var observers: [Int: CheckedContinuation<Void, Never>] = [:]
    private var lastObserver = 0

    /// There is a connection to another worker, which learns of it in its own time.
    func connected(_ slot: UInt8) { pending.insert(slot) }

    /// That worker is gone: its answer is not awaited any longer.
    func removed(_ slot: UInt8) { confirmed(slot) }

    /// That worker has said that it knows this one.
    func confirmed(_ slot: UInt8) {
        pending.remove(slot)
        guard pending.isEmpty else { return }
        for observer in observers.keys.sorted() { observers.removeValue(forKey: observer)?.resume() }
    }

    /// Waits until all are known, or so many milliseconds have passed. False: some have not been heard.
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
