import CPlatform
import Dispatch
import Glibc
import Synchronization
import Testing

@testable import SharedState

@Suite(.timeLimit(.minutes(5))) struct OwnershipTableTests {
    private func worker(_ slot: UInt8, _ incarnation: UInt32 = 1) -> WorkerOwners.Process {
        WorkerOwners.Process(slot: slot, incarnation: incarnation)
    }

    @Test func othersReadWhatTheMasterWrites() throws {
        let segment = try smallSegment()
        let master = OwnershipTable(segment)
        let table = OwnershipTable(try secondMapping(of: segment))
        #expect(table.read() == WorkerOwners())
        #expect(master.write([worker(0), nil]))
        #expect(table.read() == WorkerOwners(epoch: 1, workers: [worker(0), nil]))
        #expect(!master.write([worker(0), nil]) && table.epoch == 1)
        let all = (0..<64).map { Optional(worker(UInt8($0) + 64, .max)) }
        #expect(master.write(all))
        #expect(table.read() == WorkerOwners(epoch: 2, workers: all))
        #expect(!master.write(all + [nil]) && table.epoch == 2)
        #expect(master.write([worker(127, 7)]))
        #expect(OwnershipTable(segment).read() == WorkerOwners(epoch: 3, workers: [worker(127, 7)]))
    }

    /// A master that dies while it writes has touched the copy that is not in force.
    @Test func theTableInForceIsNotWrittenOver() throws {
        let segment = try smallSegment()
        let table = OwnershipTable(segment)
        table.write([worker(0), worker(1)])
        let raw = (segment.base + segment.layout.owners).assumingMemoryBound(to: xmppd_ownership.self)
        let spare = try #require(xmppd_owner_copy(raw, table.epoch + 1))
        spare.pointee.workers = .max
        memset(xmppd_owner_cells(spare), 0xff, 8 * OwnershipTable.indices)
        #expect(table.read() == WorkerOwners(epoch: 1, workers: [worker(0), worker(1)]))
        table.write([worker(2)])
        #expect(table.read() == WorkerOwners(epoch: 2, workers: [worker(2)]))
    }

    /// All entries of what is read are of the same epoch.
    @Test func noReaderSeesHalfATable() throws {
        let segment = try smallSegment()
        let (master, table) = (OwnershipTable(segment), OwnershipTable(try secondMapping(of: segment)))
        let isOver = Atomic(false), torn = Atomic(0)
        let reader = DispatchGroup()
        DispatchQueue.global().async(group: reader) {
            while !isOver.load(ordering: .relaxed) {
                let owners = table.read()
                let isWhole = owners.workers.allSatisfy { $0?.incarnation == UInt32(truncatingIfNeeded: owners.epoch) }
                if !isWhole { torn.add(1, ordering: .relaxed) }
            }
        }
        for epoch in 1...200_000 as ClosedRange<UInt32> {
            master.write((0..<(1 + Int(epoch % 64))).map { worker(UInt8($0), epoch) })
        }
        isOver.store(true, ordering: .relaxed)
        reader.wait()
        #expect(torn.load(ordering: .relaxed) == 0)
    }
}
