import Kernel
import Network
import SharedState
import Testing

@testable import Storage
@testable import Worker

@Suite("What a worker tells of itself in its cell", .timeLimit(.minutes(1)))
struct WorkerActivityTests {
    private let segment: SharedSegment
    private let cells: WorkerCells

    init() throws {
        precondition(Loop.runOnThread())
        segment = try SharedSegment.create(workers: 1, sessions: 10)
        segment.use(0)
        cells = WorkerCells(segment)
    }

    @Test("running totals are told as what was added since the last time")
    @LoopActor func totals() {
        let failures = FailureCount()
        var activity = WorkerActivity(failures)
        var counters = Server.Counters()
        var storage = SQLiteStatistics()
        counters.stanzasIn = 5
        counters.messagesDelivered = 3
        storage.transactions = 2
        failures.add()
        activity.count(counters, storage, in: cells.writer(0))
        counters.stanzasIn = 7
        storage.transactions = 6
        activity.count(counters, storage, in: cells.writer(0))
        #expect(cells.read(0, .stanzasReceived) == 7)
        #expect(cells.read(0, .messagesDelivered) == 3)
        #expect(cells.read(0, .storageTransactions) == 6)
        #expect(cells.read(0, .storageFailures) == 1)
    }

    /// Milliseconds for which sessions have been on the move, and for how long that counts as work that does not get on.
    @Test(
        "sessions that do not arrive count as a stall after a minute",
        arguments: [(nil, 0), (0, 0), (60_000, 0), (61_500, 1_500)] as [(Int64?, Int64)])
    @LoopActor func moving(age: Int64?, stall: Int64) {
        var activity = WorkerActivity(FailureCount())
        let now: Int64 = 1_000_000
        #expect(activity.moving(2, since: age.map { now - $0 }, in: cells.writer(0), now) == stall)
        #expect(cells.read(0, .outgoingMigrations) == 2)
        #expect(cells.read(0, .oldestMigration) == age ?? 0)
    }
}
