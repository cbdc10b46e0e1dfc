import Testing

@testable import Network

@Suite("Signals", .timeLimit(.minutes(1)))
struct SignalTests {
    /// What those heard that waited, in the order in which they went on.
    @LoopActor private final class Record {
        private(set) var words: [String] = []
        private let signal: Loop.Signal
        private var waiting = 0
        private let events = Events()

        init(_ signal: Loop.Signal) { self.signal = signal }

        func wait(_ name: String, within milliseconds: Int64? = nil) {
            Loop.spawn { [self] in
                waiting += 1
                events.changed()
                if let milliseconds {
                    words.append(await signal.wait(within: milliseconds) ? name : "\(name) in vain")
                } else {
                    await signal.wait()
                    words.append(name)
                }
                events.changed()
            }
        }

        func waits(_ count: Int) async -> Bool { await events.until { self.waiting == count } }
        func hears(_ count: Int) async -> Bool { await events.until { self.words.count == count } }
    }

    init() { TestLoop.start() }

    @Test("all that wait go on in the order in which they came; whoever comes later waits for the next time") @LoopActor
    func order() async {
        let signal = Loop.Signal()
        let record = Record(signal)
        // Nobody waits: nothing is remembered.
        signal.fire()
        let names = (0..<20).map { "\($0)" }
        for name in names { record.wait(name, within: name.hasSuffix("5") ? 60_000 : nil) }
        #expect(await record.waits(20))
        #expect(record.words.isEmpty)
        signal.fire()
        record.wait("late")
        #expect(await record.hears(20))
        #expect(await record.waits(21))
        #expect(record.words == names)
        signal.fire()
        #expect(await record.hears(21))
    }

    @Test("a wait ends at its deadline, and does not hold up the others") @LoopActor
    func deadline() async {
        let signal = Loop.Signal()
        let record = Record(signal)
        record.wait("brief", within: 1)
        record.wait("long")
        #expect(await record.hears(1))
        #expect(record.words == ["brief in vain"])
        signal.fire()
        #expect(await record.hears(2))
        #expect(record.words == ["brief in vain", "long"])
    }
}
