internal import Network

/// The derivations of keys from passwords of one worker: milliseconds of work each, done on the helper threads.
///
/// Clients without a login make the server do them, so they queue here: by the client's address, the addresses in turn.
/// However many derivations one address asks for, another waits for one of each address at most.
@LoopActor
final class KeyDerivations {
    /// Derivations done at once: one for each helper thread.
    static let parallel = 2
    /// Derivations of one address that wait; a further one is refused, which the client reads as temporary.
    static let waitingPerOrigin = 1024
    /// Derivations of all addresses that wait; a further one is refused.
    static let waitingInAll = 4096

    /// The address of the client for which the present task works; empty for the server's own work.
    @TaskLocal static var origin = ""

    private typealias Waiting = CheckedContinuation<Void, Never>

    /// How many derivations were begun, for whoever compares what two logins cost.
    private(set) var begun = 0
    private var running = 0
    private var waiting = 0
    private var queues: [String: ContiguousArray<Waiting>] = [:]
    /// The addresses with something in the queue, in the order in which they come next.
    private var turns: ContiguousArray<String> = []

    init() {}

    /// Runs a derivation on a helper thread when it is its turn.
    func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await waitForTurn()
        defer { next() }
        begun += 1
        return try await Loop.offload(work)
    }

    /// Too much waits already, in all or of this address.
    struct QueueFull: Error {}

    private func waitForTurn() async throws(QueueFull) {
        if running < Self.parallel {
            running += 1
            return
        }
        let origin = Self.origin
        guard waiting < Self.waitingInAll, queues[origin, default: []].count < Self.waitingPerOrigin else {
            throw QueueFull()
        }
        waiting += 1
        await withCheckedContinuation { continuation in
            if queues[origin] == nil { turns.append(origin) }
            queues[origin, default: []].append(continuation)
        }
    }

    /// One is done: its place goes to the first in the queue of the address whose turn it is.
    private func next() {
        guard !turns.isEmpty else {
            running -= 1
            return
        }
        let origin = turns.removeFirst()
        guard var queue = queues.removeValue(forKey: origin), !queue.isEmpty else { return next() }
        let first = queue.removeFirst()
        if !queue.isEmpty {
            queues[origin] = queue
            turns.append(origin)
        }
        waiting -= 1
        first.resume()
    }
}
