import Testing

@testable import SharedState

/// The size the table is designed for.
@Suite(.timeLimit(.minutes(5))) struct MillionSessionsTests {
    @Test func millionSessionsComeAreFoundAndGo() throws {
        let total = 1_000_000
        let segment = try SharedSegment.create(workers: 2)
        let table = SessionTable(segment)
        let bares = (0..<total).map { "firstname.lastname\($0)@chat.example.org" }
        let owner = SessionOwner(slot: 1, incarnation: 1, connection: 5)
        var inserted = 0
        for bare in bares {
            let record = sample(bare, "Conversations.aB3d", connection: 5)
            if try table.insert(record) == .inserted { inserted += 1 }
        }
        #expect(inserted == total)
        #expect(table.count == total)
        #expect(segment.residentBytes / total <= 300)
        let found = bares.count { table.hasSession(of: $0) }
        #expect(found == total)
        let one = table.routes(local: "firstname.lastname\(total / 2)", domain: "chat.example.org").routes.first
        #expect(one?.owner == owner)
        #expect(!table.hasSession(of: "firstname.lastname\(total)@chat.example.org"))
        let removed = bares.count { table.remove($0, resource: "Conversations.aB3d", owner: owner) }
        #expect(removed == total)
        #expect(table.count == 0)
        #expect(segment.residentBytes < 8 << 20)
        #expect(table.audit() == [])
    }

    /// Long addresses cost what they are long, and their memory is given back as well.
    @Test func longAddressesAreGivenBack() throws {
        let segment = try SharedSegment.create(workers: 2)
        let table = SessionTable(segment)
        let long = String(repeating: "x", count: 900)
        for number in 0..<20_000 { _ = try table.insert(sample("user\(number)@example.org", long)) }
        #expect(segment.residentBytes / 20_000 < 1400)
        for number in 0..<20_000 {
            table.remove("user\(number)@example.org", resource: long, owner: sample("", "").owner)
        }
        #expect(segment.residentBytes < 16 << 20)
        #expect(table.audit() == [])
    }
}
