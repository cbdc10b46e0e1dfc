import Network
import Testing

@testable import Modules

@Suite("A cache that reads through", .timeLimit(.minutes(1)))
struct ReadThroughCacheTests {
    private struct Broken: Error, Equatable {}
    private typealias Cache = ReadThroughCache<String, Int, Broken>

    /// Storage that answers when told to.
    @LoopActor private final class SlowStorage {
        var value: Int? = 1
        private(set) var reads = 0
        private let gate = Loop.Signal()

        func read() async throws(Broken) -> Int {
            let value = value
            reads += 1
            await gate.wait()
            guard let value else { throw Broken() }
            return value
        }

        func waitForRead(_ count: Int) async { while reads < count { await Loop.nextTurn() } }
        func answer() { gate.fire() }
    }

    /// Asks for `a` so many times at once, and gives what each heard.
    @LoopActor private final class Askers {
        private(set) var heard: [String] = []

        func ask(_ cache: Cache, _ storage: SlowStorage, times: Int = 1) {
            for number in heard.count..<heard.count + times {
                Loop.spawn { [self] in
                    do throws(Broken) {
                        heard.append(
                            "\(number): \(try await cache.value("a") { () async throws(Broken) in try await storage.read() })")
                    } catch { heard.append("\(number): broken") }
                }
            }
        }

        func wait(for count: Int) async -> [String] {
            while heard.count < count { await Loop.nextTurn() }
            return heard
        }
    }

    init() { StageLoop.start() }

    @Test("all that ask while a value is read share the reading, in their order; then it is known") @LoopActor
    func sharing() async throws {
        let (cache, storage, askers) = (Cache(bound: 4), SlowStorage(), Askers())
        askers.ask(cache, storage, times: 3)
        await storage.waitForRead(1)
        #expect(cache.known("a") == nil)
        storage.answer()
        #expect(await askers.wait(for: 3) == ["0: 1", "1: 1", "2: 1"])
        #expect(storage.reads == 1 && cache.known("a") == 1)
        #expect(try await cache.value("a") { () async throws(Broken) in throw Broken() } == 1)
    }

    @Test("what is invalidated while it is read is read again, however often") @LoopActor
    func invalidation() async {
        let (cache, storage, askers) = (Cache(bound: 4), SlowStorage(), Askers())
        askers.ask(cache, storage, times: 2)
        for count in 1...3 {
            await storage.waitForRead(count)
            storage.value = count + 1
            cache.invalidate("a")
            storage.answer()
        }
        await storage.waitForRead(4)
        #expect(askers.heard.isEmpty)
        // Another key's change is none.
        cache.invalidate("b")
        storage.answer()
        #expect(await askers.wait(for: 2) == ["0: 4", "1: 4"])
        #expect(storage.reads == 4 && cache.known("a") == 4)
        cache.invalidate("a")
        #expect(cache.known("a") == nil)
    }

    @Test("what is set while it is read holds, unless it is invalidated after that") @LoopActor
    func setting() async {
        let (cache, storage, askers) = (Cache(bound: 4), SlowStorage(), Askers())
        askers.ask(cache, storage)
        await storage.waitForRead(1)
        cache.set(7, "a")
        storage.answer()
        #expect(await askers.wait(for: 1) == ["0: 7"])
        #expect(storage.reads == 1 && cache.known("a") == 7)
        cache.invalidate("a")
        askers.ask(cache, storage)
        await storage.waitForRead(2)
        cache.set(8, "a")
        cache.invalidate("a")
        storage.value = 9
        storage.answer()
        await storage.waitForRead(3)
        storage.answer()
        #expect(await askers.wait(for: 2) == ["0: 7", "1: 9"])
    }

    @Test("a failure is everybody's who waited, and nobody's who asks later") @LoopActor
    func failure() async {
        let (cache, storage, askers) = (Cache(bound: 4), SlowStorage(), Askers())
        storage.value = nil
        askers.ask(cache, storage, times: 2)
        await storage.waitForRead(1)
        storage.answer()
        #expect(await askers.wait(for: 2) == ["0: broken", "1: broken"])
        storage.value = 3
        askers.ask(cache, storage)
        await storage.waitForRead(2)
        storage.answer()
        #expect(await askers.wait(for: 3).last == "2: 3")
    }

    @Test("no more values than the bound; those asked for stay") @LoopActor
    func bound() {
        let cache = Cache(bound: 4)
        for number in 0..<100 {
            cache.set(number, "\(number)")
            _ = cache.known("0")
            #expect(cache.count <= 4)
        }
        #expect(cache.known("0") == 0 && cache.known("99") == 99 && cache.known("50") == nil)
    }
}
