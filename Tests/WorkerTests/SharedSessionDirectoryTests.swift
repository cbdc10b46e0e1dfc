import Network
import SharedState
import Testing
import XMPP

@testable import Worker

@Suite("The table of sessions as the kernel's directory", .timeLimit(.minutes(1)))
struct SharedSessionDirectoryTests {
    private let segment: SharedSegment

    init() throws {
        precondition(Loop.runOnThread())
        segment = try SharedSegment.create(workers: 2, sessions: 1000)
        segment.use(0)
        segment.use(1)
    }

    private func record(_ number: UInt64, slot: UInt8, incarnation: UInt32 = 1) -> SessionRecord {
        SessionRecord(
            bare: "romeo@localhost", resource: "r\(number)", slot: slot, incarnation: incarnation, connection: number, since: 0,
            address: "::1")
    }

    @Test("a second session of one address is told of the first; another worker finds both")
    @LoopActor func conflict() throws {
        let directory = SharedSessionDirectory(SessionTable(segment))
        #expect(try directory.insert(record(1, slot: 0)) == nil)
        #expect(try directory.insert(record(1, slot: 1))?.slot == 0)
        #expect(try directory.insert(record(2, slot: 1)) == nil)
        let other = SharedSessionDirectory(SessionTable(segment))
        let romeo = JID.prepared(local: "romeo", domain: "localhost")
        #expect(other.routes(of: romeo).map(\.resource).sorted() == ["r1", "r2"])
        #expect(other.route(romeo.with(resource: "r2"))?.slot == 1)
        #expect(other.count(host: "localhost") == 2)
        #expect(other.list(host: "localhost", limit: 1).count == 1)
    }

    @Test("orphans are taken a few at a time, until there are none of that slot's former workers")
    @LoopActor func orphans() throws {
        let directory = SharedSessionDirectory(SessionTable(segment))
        for number in 1...25 { _ = try directory.insert(record(UInt64(number), slot: 1)) }
        _ = try directory.insert(record(26, slot: 1, incarnation: 2))
        _ = try directory.insert(record(27, slot: 0))
        var taken: [UInt64] = []
        while let records = directory.takeOrphans(slot: 1, before: 2, limit: 10) {
            #expect(records.count <= 10)
            taken += records.map(\.connection)
        }
        #expect(taken.sorted() == Array(1...25))
        let romeo = JID.prepared(local: "romeo", domain: "localhost")
        #expect(directory.routes(of: romeo).map(\.connection).sorted() == [26, 27])
        // The search begins anew for the next death.
        #expect(directory.takeOrphans(slot: 1, before: 2, limit: 10) != nil)
    }
}
