internal import Network
internal import Synchronization

/// The connections of a pool that nobody uses now. Threads take one, ask, and put it back.
final class IdleConnections<Connection: ServiceConnection>: Sendable {
    /// What a question or a try showed of the service.
    enum Event: Sendable {
        case answered
        /// There is a connection; nothing was asked.
        case connected
        case failed(ServiceFailure)
    }

    struct Outcome<Answer: Sendable>: Sendable {
        let answer: Result<Answer, ServiceFailure>
        let event: Event
    }

    private struct Idle {
        let connection: Connection
        let since: Int64
    }

    private struct State {
        /// The one that was used last is at the end, and is taken first.
        var idle: [Idle] = []
        var open = 0
        var isClosed = false
    }

    private let connect: @Sendable (Deadline) -> Result<Connection, ServiceFailure>
    private let timeoutMilliseconds: Int64
    private let state = Mutex(State())

    init(connect: @escaping @Sendable (Deadline) -> Result<Connection, ServiceFailure>, timeoutMilliseconds: Int64) {
        self.connect = connect
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// How many connections there are, in use or not.
    var open: Int { state.withLock { $0.open } }

    /// Asks on an idle connection, or on a new one.
    func ask<Answer: Sendable>(
        _ work: @Sendable (Connection, Deadline) -> Result<Answer, ServiceFailure>, _ isRepeatable: Bool, _ deadline: Deadline
    ) -> Outcome<Answer> {
        guard !deadline.hasPassed else {
            return Outcome(answer: .failure(.silent("no free connection in time")), event: .connected)
        }
        if let connection = takeIdle() {
            let answer = work(connection, deadline)
            giveBack(connection)
            // A connection may have died unnoticed, with a restart of the service: that says nothing of the service now.
            guard case .failure(.unreachable) = answer, isRepeatable else {
                return Outcome(answer: answer, event: Self.event(answer))
            }
        }
        switch make(deadline) {
        case .failure(let failure): return Outcome(answer: .failure(failure), event: .failed(failure))
        case .success(let connection):
            let answer = work(connection, deadline)
            giveBack(connection)
            return Outcome(answer: answer, event: Self.event(answer))
        }
    }

    private static func event<Answer>(_ answer: Result<Answer, ServiceFailure>) -> Event {
        switch answer {
        case .success, .failure(.refused): .answered
        case .failure(.notAsked): .connected
        case .failure(let failure): .failed(failure)
        }
    }

    /// Makes sure that there is an idle connection.
    func fill(_ deadline: Deadline) -> Event {
        if let connection = takeIdle() {
            giveBack(connection)
            return .connected
        }
        switch make(deadline) {
        case .failure(let failure): return .failed(failure)
        case .success(let connection):
            giveBack(connection)
            return .connected
        }
    }

    /// Uses what has been idle for so many milliseconds.
    func keepAlive(idleFor milliseconds: Int64, _ deadline: Deadline) {
        let limit = Loop.now - milliseconds
        let old = state.withLock { state -> [Connection] in
            let old = state.idle.filter { $0.since <= limit }.map(\.connection)
            state.idle.removeAll { $0.since <= limit }
            return old
        }
        for connection in old {
            _ = connection.keepAlive(deadline)
            giveBack(connection)
        }
    }

    private func make(_ deadline: Deadline) -> Result<Connection, ServiceFailure> {
        let made = connect(deadline.within(timeoutMilliseconds))
        if case .success = made { state.withLock { $0.open += 1 } }
        return made
    }

    private func takeIdle() -> Connection? {
        while let connection = state.withLock({ $0.idle.popLast()?.connection }) {
            if connection.isUsable { return connection }
            drop(connection)
        }
        return nil
    }

    private func giveBack(_ connection: Connection) {
        let isKept =
            connection.isUsable
            && state.withLock { state in
                guard !state.isClosed else { return false }
                state.idle.append(Idle(connection: connection, since: Loop.now))
                return true
            }
        if !isKept { drop(connection) }
    }

    private func drop(_ connection: Connection) {
        connection.close()
        state.withLock { $0.open -= 1 }
    }

    /// Connections that come back are closed from now on.
    func refuseMore() { state.withLock { $0.isClosed = true } }

    /// Closes what is idle, and the others as they come back.
    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for entry in idle { drop(entry.connection) }
    }
}
