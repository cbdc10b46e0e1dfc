import Glibc
import Network
import Synchronization
import Testing

/// The time of all stages: it stands while there is one, and goes on only as far as a test waits.
///
/// Whoever waits here lets everything be done that there is to do; then, and not before, time goes on to the next timer. So a
/// session that is kept for ten minutes ends at once, and nothing is late because the machine is slow.
@LoopActor
enum StageTime {
    /// Calls of storage that have not been answered. Those that a test holds back are not among them.
    nonisolated static let calls = Atomic<Int>(0)

    /// Comes back when nothing is left to do at this time.
    static func runUntilIdle() async {
        repeat { await turn() } while !isIdle
    }

    private static var isStoring: Bool { calls.load(ordering: .acquiring) > 0 }

    private static var isIdle: Bool { !isStoring && LoopClock.isIdle }

    private static func turn() async {
        await Loop.nextTurn()
        // Storage answers from a thread of its own, which may need this one's core.
        if isStoring, LoopClock.isIdle { usleep(50) }
    }

    /// Lets as much time pass as it takes until the condition holds; false if it does not within the limit.
    static func passes(
        within limit: Duration, until condition: @LoopActor () async throws -> Bool
    ) async rethrows -> Bool {
        let end = Loop.now + limit.milliseconds
        while try await !condition() {
            await turn()
            if isIdle, try await !condition() {
                guard LoopClock.advance(toTimerBefore: end) else { return false }
            }
        }
        return true
    }

    /// The same, within an hour; where that is not enough the test has failed.
    static func until(
        _ condition: @LoopActor () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) async rethrows {
        let isSo = try await passes(within: .seconds(3600), until: condition)
        #expect(isSo, "it does not come, however long it is waited for", sourceLocation: sourceLocation)
    }

    /// Lets as much time pass as the work takes that is begun here.
    static func pass<Result>(_ work: @escaping @LoopActor () async throws -> Result) async throws -> Result {
        try await begin(work).end()
    }

    /// Begins work before it comes back; time passes for it when its end is waited for.
    static func begin<Result>(_ work: @escaping @LoopActor () async throws -> Result) -> Work<Result> {
        let begun = Work<Result>()
        Loop.spawn { [work = Carried(work)] in
            do { begun.result = .success(try await work.body()) } catch { begun.result = .failure(error) }
        }
        return begun
    }

    /// Work that goes on beside the test.
    @LoopActor final class Work<Result> {
        fileprivate(set) var result: Swift.Result<Result, any Error>?

        func end() async throws -> Result {
            await until { self.result != nil }
            guard let result else { throw StageFailure("the work does not end") }
            return try result.get()
        }
    }

    /// What is made and called on the loop only.
    private struct Carried<Result>: @unchecked Sendable {
        let body: @LoopActor () async throws -> Result
        init(_ body: @escaping @LoopActor () async throws -> Result) { self.body = body }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
