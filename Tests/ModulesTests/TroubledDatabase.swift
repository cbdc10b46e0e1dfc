import Network
import Storage
import Synchronization
import Testing

/// A database the n-th call of which fails, or the writes of which wait for a word.
final class TroubledDatabase: SQLDatabase {
    private struct State {
        /// Calls until the one that fails; nil: none does.
        var left: Int?
        var hasFailed = false
        var isHeld = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let base: any SQLDatabase
    private let state = Mutex(State())

    init(_ base: any SQLDatabase) { self.base = base }

    /// The n-th call from now on fails, from 1.
    func fail(atCall count: Int) { state.withLock { ($0.left, $0.hasFailed) = (count, false) } }

    /// Nothing fails any more.
    func recover() { state.withLock { $0.left = nil } }

    var hasFailed: Bool { state.withLock { $0.hasFailed } }

    /// Writes wait from now on.
    func holdWrites() { state.withLock { $0.isHeld = true } }

    /// Waits until a write waits, and what else was to be done in that turn of the loop has been.
    func waitForHeldWrite() async {
        await StageTime.until { self.state.withLock { !$0.waiting.isEmpty } }
        await StageTime.runUntilIdle()
    }

    func releaseWrites() {
        let waiting = state.withLock { state in
            state.isHeld = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    var dialect: SQLDialect { base.dialect }

    nonisolated(nonsending) func read<T: Sendable>(
        _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        try step()
        StageTime.calls.add(1, ordering: .relaxed)
        defer { StageTime.calls.subtract(1, ordering: .releasing) }
        return try await base.read(work)
    }

    nonisolated(nonsending) func write<T: Sendable>(
        _ durability: Durability, _ work: @escaping @Sendable (any SQLConnection) throws(StorageError) -> T
    ) async throws(StorageError) -> T {
        try step()
        if state.withLock({ $0.isHeld }) {
            await withCheckedContinuation { continuation in
                let isHeld = state.withLock { state in
                    if state.isHeld { state.waiting.append(continuation) }
                    return state.isHeld
                }
                if !isHeld { continuation.resume() }
            }
        }
        StageTime.calls.add(1, ordering: .relaxed)
        defer { StageTime.calls.subtract(1, ordering: .releasing) }
        return try await base.write(durability, work)
    }

    private func step() throws(StorageError) {
        let fails = state.withLock { state -> Bool in
            guard let left = state.left else { return false }
            state.left = left - 1
            guard left == 1 else { return false }
            state.left = nil
            state.hasFailed = true
            return true
        }
        if fails { throw .unavailable("injected") }
    }
}
