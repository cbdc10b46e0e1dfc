internal import IPC
internal import Supervision

/// Relays verbs to a ready worker, and its results to the client that asked.
final class OperationRelay {
    /// How long a worker may take, in milliseconds; past it the client gets an error.
    static let patienceMilliseconds: Int64 = 60_000

    private struct Pending {
        weak var client: ControlClient?
        /// The client's id of the request.
        let request: UInt64
        let worker: WorkerName
    }

    private let pool: WorkerPool
    private let loop: EventLoop
    private var pending: [UInt64: Pending] = [:]
    private(set) var lastID: UInt64 = 0

    init(_ pool: WorkerPool, on loop: EventLoop) {
        self.pool = pool
        self.loop = loop
    }

    /// Sends a verb to a ready worker; the workers take turns.
    func forward(_ request: ControlRequest, from client: ControlClient) {
        let workers = pool.supervisor.readyWorkers
        lastID += 1
        let id = lastID
        guard !workers.isEmpty else {
            return client.reply(
                request.id, .failure(code: "unavailable", text: "no worker is serving at the moment; see xmppctl status"))
        }
        let worker = workers[Int(id % UInt64(workers.count))]
        pending[id] = Pending(client: client, request: request.id, worker: worker)
        pool.send(.operation(id: id, verb: request.verb, arguments: request.arguments), to: worker)
        limit(id, worker)
    }

    /// The relayed requests, for the next program, with the places of their clients among those handed on.
    func possessions(_ place: (ControlClient) -> UInt32?) -> [MasterState.Relay] {
        pending.sorted { $0.key < $1.key }.compactMap { id, operation in
            guard let client = operation.client, let place = place(client) else { return nil }
            return MasterState.Relay(
                id: id, client: place, request: operation.request, slot: operation.worker.slot,
                incarnation: operation.worker.incarnation)
        }
    }

    /// Goes on waiting for the results of requests that the previous program has relayed.
    func adopt(_ relays: [MasterState.Relay], last: UInt64, _ clients: [ControlClient]) {
        lastID = last
        for relay in relays where Int(relay.client) < clients.count {
            let worker = WorkerName(slot: relay.slot, incarnation: relay.incarnation)
            pending[relay.id] = Pending(client: clients[Int(relay.client)], request: relay.request, worker: worker)
            limit(relay.id, worker)
        }
    }

    private func limit(_ id: UInt64, _ worker: WorkerName) {
        loop.after(Self.patienceMilliseconds) { [weak self] in
            self?.finish(
                id, .failure(code: "timeout", text: "worker \(worker) gave no answer in \(Self.patienceMilliseconds / 1_000) s"))
        }
    }

    func progress(_ id: UInt64, _ value: Value) {
        guard let operation = pending[id] else { return }
        operation.client?.progress(operation.request, value)
    }

    func finish(_ id: UInt64, _ result: OperationResult) {
        guard let operation = pending.removeValue(forKey: id) else { return }
        operation.client?.reply(operation.request, result)
    }

    /// Answers the requests of a dead worker with an error: each may or may not have been carried out.
    func lost(_ worker: WorkerName) {
        for (id, operation) in pending where operation.worker == worker {
            finish(id, .failure(code: "unavailable", text: "worker \(worker) died while it did this; look whether it was done"))
        }
    }
}
