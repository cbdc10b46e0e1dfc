import Glibc
import Network
import Synchronization
import Testing

@testable import Pools

/// A service of which the n-th act fails, or hangs until it is let go.
final class FakeService: Sendable {
    enum Act: Sendable, Equatable { case works, breaks, hangs }

    struct State {
        var acts = 0
        var plan: @Sendable (Int) -> Act = { _ in .works }
        var open = 0
    }

    let state = Mutex(State())

    init(_ plan: @escaping @Sendable (Int) -> Act = { _ in .works }) { state.withLock { $0.plan = plan } }

    /// What becomes of the next act.
    func act(_ deadline: Deadline) -> ServiceFailure? {
        let act = state.withLock { state in
            state.acts += 1
            return state.plan(state.acts)
        }
        switch act {
        case .works: return nil
        case .breaks: return .unreachable("broken")
        case .hangs:
            while !deadline.hasPassed { usleep(5_000) }
            return .silent("hung")
        }
    }

    func plan(_ plan: @escaping @Sendable (Int) -> Act) { state.withLock { $0.plan = plan } }
    var open: Int { state.withLock { $0.open } }
    var acts: Int { state.withLock { $0.acts } }

    func connect(_ deadline: Deadline) -> Result<FakeConnection, ServiceFailure> {
        if let failure = act(deadline) { return .failure(failure) }
        state.withLock { $0.open += 1 }
        return .success(FakeConnection(self))
    }
}

final class FakeConnection: ServiceConnection {
    private let service: FakeService
    private let isBroken = Atomic(false)

    init(_ service: FakeService) { self.service = service }

    var isUsable: Bool { !isBroken.load(ordering: .relaxed) }
    func keepAlive(_ deadline: Deadline) -> ServiceFailure? { ask(deadline).failure }
    func close() { service.state.withLock { $0.open -= 1 } }

    func ask(_ deadline: Deadline) -> Result<String, ServiceFailure> {
        guard let failure = service.act(deadline) else { return .success("answer") }
        isBroken.store(true, ordering: .relaxed)
        return .failure(failure)
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

@Suite("A pool of connections", .timeLimit(.minutes(5)))
struct ServicePoolTests {
    init() { precondition(Loop.runOnThread()) }

    @LoopActor
    private static func pool(_ service: FakeService, connections: Int = 2, timeout: Int64 = 10_000, bound: Int = 100)
        -> ServicePool<FakeConnection>
    {
        let settings = PoolSettings(
            name: "fake.default", connections: connections, callMilliseconds: timeout,
            patience: .init(first: 10, longest: 10), bound: bound)
        return ServicePool(settings) { service.connect($0) }
    }

    private static func ask(_ pool: ServicePool<FakeConnection>) async -> Result<String, ServiceFailure> {
        await pool.perform { connection, deadline in connection.ask(deadline) }
    }

    /// Asks until there is an answer; for what recovers by itself.
    private static func askUntilAnswered(_ pool: ServicePool<FakeConnection>) async -> Bool {
        let deadline = Deadline(in: 20_000)
        while !deadline.hasPassed {
            if case .success = await ask(pool) { return true }
            usleep(2_000)
        }
        return false
    }

    @Test("many questions share few connections")
    func sharesConnections() async {
        let service = FakeService()
        let pool = await Self.pool(service)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { await Self.ask(pool) == .success("answer") } }
            for await isRight in group { #expect(isRight) }
        }
        #expect(service.open <= 2)
        #expect(await pool.health == .up)
        await pool.stop()
        #expect(await Self.ask(pool).failure != nil)
        let deadline = Deadline(in: 10_000)
        while service.open > 0, !deadline.hasPassed { usleep(2_000) }
        #expect(service.open == 0, "what is stopped has closed its connections")
    }

    /// A connection is made and asked ten times while one act after another fails: each time the pool recovers by itself.
    @Test("whichever act fails, there are answers again", arguments: 1...10)
    func nthActFails(_ number: Int) async {
        let service = FakeService { $0 == number ? .breaks : .works }
        let pool = await Self.pool(service)
        for _ in 0..<10 { #expect(await Self.askUntilAnswered(pool)) }
        #expect(service.acts > number)
        #expect(await pool.health == .up)
        await pool.stop()
    }

    @Test("a broken connection is replaced without anybody's notice where asking twice does no harm")
    func repeats() async {
        let service = FakeService { $0 == 3 ? .breaks : .works }
        let pool = await Self.pool(service, connections: 1)
        // Acts: connect, ask, ask (breaks), connect, ask.
        #expect(await Self.ask(pool) == .success("answer"))
        #expect(await Self.ask(pool) == .success("answer"))
        #expect(service.acts == 5)
        await pool.stop()
    }

    @Test("while it is down nobody waits, and it is asked again when it is back")
    func downAndUp() async {
        let service = FakeService { _ in .breaks }
        let pool = await Self.pool(service)
        let deadline = Deadline(in: 10_000)
        while await pool.health != .down, !deadline.hasPassed { usleep(1_000) }
        #expect(await Self.ask(pool).failure == .notAsked("fake.default is down: broken"))
        service.plan { _ in .works }
        #expect(await Self.askUntilAnswered(pool))
        #expect(await pool.health == .up)
        await pool.stop()
    }

    @Test("a service that hangs is given up at the deadline, with all who wait for it")
    func hangs() async {
        let service = FakeService()
        let pool = await Self.pool(service, connections: 1, timeout: 300)
        #expect(await Self.ask(pool) == .success("answer"))
        service.plan { _ in .hangs }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 { group.addTask { await Self.ask(pool).failure != nil } }
            for await isRefused in group { #expect(isRefused) }
        }
        #expect(await pool.health == .down)
        service.plan { _ in .works }
        #expect(await Self.askUntilAnswered(pool))
        await pool.stop()
    }

    @Test("what waits is bounded")
    func bound() async {
        let service = FakeService { _ in .hangs }
        let pool = await Self.pool(service, connections: 1, timeout: 300, bound: 3)
        let failures = await withTaskGroup(of: ServiceFailure?.self) { group in
            for _ in 0..<20 { group.addTask { await Self.ask(pool).failure } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(failures.contains(.notAsked("too many wait for fake.default")))
        #expect(!failures.contains(nil))
        await pool.stop()
    }

    @Test(
        "threads share the connections of the configuration",
        arguments: [
            (10, 2, [5, 5]), (5, 2, [3, 2]), (1, 3, [1, 1, 1]), (7, 3, [3, 2, 2]), (100, 1, [100]),
        ])
    func shares(_ connections: Int, _ processes: Int, _ expected: [Int]) {
        let shares = (0..<processes).map { OutgoingPools.share(of: connections, slot: $0, processes: processes) }
        #expect(shares == expected)
    }
}
