import Testing

@testable import SharedState

@Suite(.timeLimit(.minutes(5))) struct SessionTableTests {
    @Test func sessionIsFoundByBareAndFullAddress() throws {
        let table = SessionTable(try smallSegment())
        let record = sample(
            "juliet@example.com", "balcony", slot: 3, incarnation: 9, connection: 1 << 40, priority: -128,
            flags: [.available, .carbons], address: "2001:db8::1")
        #expect(try table.insert(record) == .inserted)
        #expect(table.session("juliet@example.com", resource: "balcony") == record)
        #expect(table.sessions(of: "juliet@example.com") == [record])
        let route = SessionRoute(
            resource: "balcony", slot: 3, incarnation: 9, connection: 1 << 40, priority: -128,
            flags: [.available, .carbons])
        #expect(table.routes(local: "juliet", domain: "example.com").routes == [route])
        #expect(route.owner == record.owner)
        #expect(table.hasSession(of: "juliet@example.com"))
        #expect(table.count == 1)
    }

    @Test(arguments: [
        ("juliet@example.com", "balcon"), ("juliet@example.com", "balcony2"), ("juliet@example.co", "mbalcony"),
        ("juliet@example.combalcony", ""), ("juliet@example.com", ""), ("", "balcony"),
        ("romeo@example.com", "balcony"),
    ])
    func partsOfAnAddressDoNotRunTogether(bare: String, resource: String) throws {
        let table = SessionTable(try smallSegment())
        _ = try table.insert(sample("juliet@example.com", "balcony"))
        #expect(table.session(bare, resource: resource) == nil)
        #expect(table.hasSession(of: bare) == (bare == "juliet@example.com"))
    }

    @Test func takenAddressIsAConflictAndChangesNothing() throws {
        let table = SessionTable(try smallSegment())
        let first = sample("juliet@example.com", "balcony", connection: 1)
        #expect(try table.insert(first) == .inserted)
        #expect(try table.insert(sample("juliet@example.com", "balcony", connection: 2)) == .conflict(first))
        #expect(table.sessions(of: "juliet@example.com") == [first])
        #expect(try table.insert(sample("juliet@example.com", "chamber", connection: 2)) == .inserted)
        #expect(table.count == 2)
    }

    @Test func replacementReturnsWhatItReplaced() throws {
        let table = SessionTable(try smallSegment())
        let long = String(repeating: "r", count: 700)
        let first = sample("juliet@example.com", long, connection: 1)
        let second = sample("juliet@example.com", long, slot: 2, incarnation: 4, connection: 2, address: "192.0.2.8")
        #expect(try table.replace(first) == nil)
        _ = try table.insert(sample("romeo@example.net", "orchard"))
        #expect(try table.replace(second) == first)
        #expect(table.session("juliet@example.com", resource: long) == second)
        #expect(table.count == 2)
        #expect(table.audit() == [])
    }

    @Test func onlyTheOwnerUpdatesAndRemoves() throws {
        let table = SessionTable(try smallSegment())
        let record = sample("juliet@example.com", "balcony", slot: 1, incarnation: 2, connection: 3)
        _ = try table.insert(record)
        for (slot, incarnation, connection) in [(0, 2, 3), (1, 1, 3), (1, 2, 4)] as [(UInt8, UInt32, UInt64)] {
            let other = SessionOwner(slot: slot, incarnation: incarnation, connection: connection)
            #expect(!table.update(record.bare, resource: record.resource, owner: other, priority: 9, flags: .available))
            #expect(!table.remove(record.bare, resource: record.resource, owner: other))
        }
        #expect(table.sessions(of: record.bare) == [record])
        #expect(
            table.update(
                record.bare, resource: record.resource, owner: record.owner, priority: -5,
                flags: [.available, .detached]))
        let updated = table.session(record.bare, resource: record.resource)
        #expect(updated?.priority == -5 && updated?.flags == [.available, .detached] && updated?.owner == record.owner)
        #expect(table.remove(record.bare, resource: record.resource, owner: record.owner))
        #expect(!table.remove(record.bare, resource: record.resource, owner: record.owner))
        #expect(table.count == 0 && !table.hasSession(of: record.bare))
    }

    /// RFC 7622 §3.1: each of the three parts of an address has up to 1,023 bytes.
    @Test(arguments: [0, 1, 60, 87, 88, 89, 151, 152, 153, 1023])
    func longAddressesOverflowAndComeBackWhole(length: Int) throws {
        let table = SessionTable(try smallSegment())
        var records: [SessionRecord] = []
        for number in 0..<20 {
            let local = String(repeating: "l", count: max(0, length - 2)) + "é"
            let record = sample(
                local + "@" + String(repeating: "d", count: max(1, length)),
                String(repeating: "r", count: length)
                    + (length == 1023 ? "" : "\(number)"), connection: UInt64(number),
                address: number % 2 == 0 ? "2001:db8:1111:2222:3333:4444:5555:6666" : "")
            if length == 1023 && number > 0 { break }
            records.append(record)
            #expect(try table.insert(record) == .inserted)
        }
        for record in records { #expect(table.session(record.bare, resource: record.resource) == record) }
        #expect(table.audit() == [])
        for record in records { #expect(table.remove(record.bare, resource: record.resource, owner: record.owner)) }
        #expect(table.count == 0)
        #expect(table.audit() == [])
    }

    @Test(arguments: [
        sample("", "r"), sample(String(repeating: "b", count: 2048), "r"),
        sample("b", String(repeating: "r", count: 1024)),
        sample("b", "r", address: String(repeating: "a", count: 256)),
    ])
    func lengthsBeyondTheStandardAreRefused(record: SessionRecord) throws {
        let table = SessionTable(try smallSegment())
        #expect(throws: SessionTableError.badLength) { try table.insert(record) }
        #expect(throws: SessionTableError.badLength) { try table.replace(record) }
        #expect(table.count == 0)
    }

    @Test func fullTableRefusesUntilSomebodyLeaves() throws {
        let table = SessionTable(try smallSegment(entriesPerShard: 64))
        for number in 0..<63 { _ = try table.insert(sample("user\(number)@example.com", "r")) }
        #expect(throws: SessionTableError.full) { try table.insert(sample("late@example.com", "r")) }
        let replacement = sample("user5@example.com", "r", connection: 77)
        #expect(try table.replace(replacement)?.connection == 1)
        #expect(table.session("user5@example.com", resource: "r") == replacement)
        #expect(table.remove("user0@example.com", resource: "r", owner: sample("", "").owner))
        #expect(try table.insert(sample("late@example.com", "r")) == .inserted)
        #expect(table.count == 63)
        #expect(table.audit() == [])
    }

    @Test func overflowIsBoundedAndUsedAgain() throws {
        let table = SessionTable(try smallSegment(overflowUnits: 64))
        let long = String(repeating: "x", count: 1000)
        var entered = 0
        #expect(throws: SessionTableError.full) {
            while true {
                _ = try table.insert(sample("user\(entered)@example.com", long))
                entered += 1
            }
        }
        #expect(entered == 4)
        #expect(try table.insert(sample("short@example.com", "r")) == .inserted)
        for round in 0..<100 {
            let leaving = "user\(round % 4)@example.com"
            #expect(table.remove(leaving, resource: long, owner: sample("", "").owner))
            #expect(try table.insert(sample(leaving, long)) == .inserted)
        }
        #expect(table.audit() == [])
    }

    @Test func manyResourcesOfOneUserAreAllFound() throws {
        let table = SessionTable(try smallSegment())
        let resources = (0..<500).map { "device-\($0)" }
        for resource in resources { _ = try table.insert(sample("bot@example.com", resource)) }
        #expect(Set(table.routes(local: "bot", domain: "example.com").routes.map(\.resource)) == Set(resources))
        for resource in resources.shuffled() {
            #expect(table.remove("bot@example.com", resource: resource, owner: sample("", "").owner))
        }
        #expect(table.routes(local: "bot", domain: "example.com").routes.isEmpty)
        #expect(table.audit() == [])
    }

    @Test func sessionsAreCountedAndListedByHost() throws {
        let table = SessionTable(try smallSegment(shards: 4))
        for number in 0..<300 {
            _ = try table.insert(sample("user\(number)@example.com", "r"))
            if number < 50 { _ = try table.insert(sample("user\(number)@sub.example.com", "r")) }
        }
        _ = try table.insert(sample("example.com", "component"))
        #expect(table.count(host: "example.com") == 301)
        #expect(table.count(host: "sub.example.com") == 50)
        #expect(table.count(host: "xample.com") == 0)
        #expect(table.count(host: "ub.example.com") == 0)
        #expect(table.count == 351)
        var cursor = SessionCursor()
        var listed: [String] = []
        while !cursor.isAtEnd {
            let page = table.page(host: "sub.example.com", from: &cursor, limit: 7)
            #expect(page.count <= 7)
            listed += page.map(\.bare)
        }
        #expect(Set(listed) == Set((0..<50).map { "user\($0)@sub.example.com" }) && listed.count == 50)
    }

    @Test func walkMissesNobodyWhileOthersComeAndGo() throws {
        let table = SessionTable(try smallSegment(shards: 2))
        var lottery = Lottery(3)
        let staying = (0..<200).map { "stays\($0)@example.com" }
        var leaving = (0..<400).map { "leaves\($0)@example.com" }
        for bare in (staying + leaving).shuffled(using: &lottery) { _ = try table.insert(sample(bare, "r")) }
        var seen: Set<String> = []
        var cursor = SessionCursor()
        var come = 0
        while !cursor.isAtEnd {
            seen.formUnion(table.page(from: &cursor, limit: 5).map(\.bare))
            for _ in 0..<3 {
                if let bare = leaving.popLast() { table.remove(bare, resource: "r", owner: sample("", "").owner) }
            }
            come += 1
            _ = try table.insert(sample("comes\(come)@example.com", "r"))
        }
        #expect(seen.isSuperset(of: staying))
    }

    @Test func orphansAreTakenInBatchesAndNobodyElse() throws {
        let table = SessionTable(try smallSegment(shards: 4))
        for number in 0..<1000 {
            _ = try table.insert(
                sample("user\(number)@example.com", "r", slot: UInt8(number % 4), incarnation: UInt32(1 + number % 3)))
        }
        let expected = table.everything().values.filter { $0.slot == 2 && $0.incarnation < 3 }
        var cursor = SessionCursor()
        var taken: [SessionRecord] = []
        while !cursor.isAtEnd {
            let batch = table.takeOrphans(slot: 2, before: 3, from: &cursor, limit: 10)
            #expect(batch.count <= 10)
            taken += batch
        }
        #expect(taken.count == expected.count && Set(taken.map(\.bare)) == Set(expected.map(\.bare)))
        #expect(table.count == 1000 - expected.count)
        #expect(!table.everything().values.contains { $0.slot == 2 && $0.incarnation < 3 })
        #expect(table.audit() == [])
    }

    @Test func twoMappingsSeeTheSame() throws {
        let segment = try smallSegment()
        let other = SessionTable(try secondMapping(of: segment))
        let table = SessionTable(segment)
        let record = sample("juliet@example.com", String(repeating: "balcony", count: 50))
        _ = try table.insert(record)
        #expect(other.sessions(of: record.bare) == [record])
        #expect(other.remove(record.bare, resource: record.resource, owner: record.owner))
        #expect(table.count == 0)
    }
}
