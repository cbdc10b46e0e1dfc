import Testing

@testable import SharedState

/// What is remembered of the session table is what stands in it, whoever has changed it.
@Suite(.timeLimit(.minutes(5))) struct RouteCacheTests {
    private static let juliet = sample("juliet@example.com", "balcony", slot: 2, connection: 7, flags: .available)

    /// Each way to change an entry, by another process; a session is there before.
    @Test(arguments: ["insert", "replace", "update", "remove", "orphans", "repair"])
    func everyChangeIsSeen(_ change: String) throws {
        let segment = try smallSegment()
        let (table, others) = (SessionTable(segment), SessionTable(segment))
        let juliet = Self.juliet
        _ = try table.insert(juliet)
        let memory = RouteCache(table)
        let known = table.routes(local: "juliet", domain: "example.com")
        #expect(memory.sessions(of: juliet.bare).count == 1)
        switch change {
        case "insert": _ = try others.insert(sample(juliet.bare, "chamber", connection: 8))
        case "replace": _ = try others.replace(sample(juliet.bare, "balcony", connection: 8))
        case "update": #expect(others.update(juliet.bare, resource: "balcony", owner: juliet.owner, priority: 5, flags: .carbons))
        case "remove": #expect(others.remove(juliet.bare, resource: "balcony", owner: juliet.owner))
        case "orphans":
            var cursor = SessionCursor()
            #expect(others.takeOrphans(slot: 2, before: 2, from: &cursor) == [juliet])
        default: others.area.shard(0).repair()
        }
        #expect(!table.holds(known))
        #expect(memory.sessions(of: juliet.bare) == table.everything().routes(of: juliet.bare))
    }

    @Test func nothingIsForgottenWithoutAChange() throws {
        let table = SessionTable(try smallSegment())
        _ = try table.insert(Self.juliet)
        let known = table.routes(local: "juliet", domain: "example.com")
        #expect(try table.insert(Self.juliet) == .conflict(Self.juliet))
        #expect(!table.remove("juliet@example.com", resource: "chamber", owner: Self.juliet.owner))
        #expect(!table.update("juliet@example.com", resource: "balcony", owner: sample("", "").owner, priority: 1, flags: []))
        _ = table.everything()
        #expect(table.holds(known))
    }

    /// Many more than there are places.
    @Test func addressesThatMeetInOnePlaceAreTold() throws {
        let table = SessionTable(try smallSegment(shards: 16))
        let memory = RouteCache(table)
        for number in 0..<5000 {
            _ = try table.insert(sample("user\(number)@example.com", "r\(number)"))
        }
        for _ in 0..<2 {
            for number in 0..<5000 {
                #expect(memory.routes(local: "user\(number)", domain: "example.com").map(\.resource) == ["r\(number)"])
            }
        }
        #expect(memory.routes(local: "", domain: "example.com").isEmpty)
        #expect(memory.routes(local: "user1", domain: "example.org").isEmpty)
    }

    @Test func otherSessionsWithFlagsAreTold() throws {
        let table = SessionTable(try smallSegment())
        let memory = RouteCache(table)
        func others(_ resource: String, _ flags: SessionFlags) -> Bool {
            memory.hasOther(local: "juliet", domain: "example.com", resource: resource, flags: flags)
        }
        _ = try table.insert(sample("juliet@example.com", "balcony", connection: 1, flags: [.available, .carbons]))
        #expect(!others("balcony", .carbons))
        #expect(others("chamber", .carbons))
        #expect(others("", [.available, .carbons]))
        #expect(!others("chamber", [.carbons, .takesOffline]))
        _ = try table.insert(sample("juliet@example.com", "chamber", connection: 2, flags: .available))
        #expect(!others("balcony", .carbons))
        #expect(others("balcony", .available))
        #expect(memory.route(local: "juliet", domain: "example.com", resource: "chamber")?.connection == 2)
        #expect(memory.route(local: "juliet", domain: "example.com", resource: "orchard") == nil)
        #expect(!memory.hasOther(local: "", domain: "example.com", resource: "", flags: []))
    }
}
