import Glibc
import Testing

@testable import SharedState

/// Two processes in one table, one of which dies in it (`kill -9`): the other goes on with a table that is whole.
@Suite(.timeLimit(.minutes(5))) struct ProcessDeathTests {
    private static let long = String(repeating: "r", count: 400)

    #if DEBUG
        /// One change, and what the table holds before it.
        struct Change: Sendable, CustomTestStringConvertible {
            var name: String
            var verb: String
            var bare = "juliet@example.com"
            var resource = "balcony"
            /// Further sessions; the index of 64 cells grows with the 49th.
            var others = 0
            var otherResource = "r"
            /// Whether they are of the same user, with resources of the same length: nothing but their place tells a
            /// half-moved entry from a whole one.
            var othersAreAkin = false
            /// Whether the session is there already.
            var isThere = false
            /// Whether the segment has seen many sessions that are gone.
            var wasLarge = false
            var testDescription: String { name }
        }

        static let changes = [
            Change(name: "insert", verb: "insert", others: 10),
            Change(name: "insert long", verb: "insert", resource: long, others: 10, otherResource: long),
            Change(name: "insert with growth", verb: "insert", others: 48),
            Change(name: "insert with second growth", verb: "insert", others: 96),
            Change(name: "replace", verb: "replace", others: 10, isThere: true),
            Change(
                name: "replace long", verb: "replace", resource: long, others: 10, otherResource: long, isThere: true),
            Change(name: "replace with growth", verb: "replace", others: 47, isThere: true),
            Change(name: "update", verb: "update", others: 10, isThere: true),
            Change(name: "remove", verb: "remove", others: 10, isThere: true),
            Change(name: "remove the last", verb: "remove", isThere: true),
            Change(name: "remove long", verb: "remove", resource: long, others: 10, otherResource: long, isThere: true),
            Change(name: "remove among collisions", verb: "remove", others: 46, isThere: true),
            Change(name: "remove among kin", verb: "remove", others: 8, othersAreAkin: true, isThere: true),
            Change(name: "replace among kin", verb: "replace", others: 8, othersAreAkin: true, isThere: true),
            Change(name: "remove with shrinking", verb: "remove", others: 15, isThere: true, wasLarge: true),
            Change(name: "orphans", verb: "orphans", resource: long, others: 5, isThere: true),
        ]

        /// Dies at each point of each change in turn: afterwards it has happened or not, and nothing else has.
        @Test(arguments: changes)
        func deathBetweenTwoStores(change: Change) throws {
            var deaths = 0
            while true {
                let segment = try smallSegment()
                let table = SessionTable(segment)
                try prepare(table, for: change)
                let before = table.everything()
                let memory = RouteCache(table)
                #expect(memory.sessions(of: change.bare) == before.routes(of: change.bare))
                let end = try run(change, in: segment, death: deaths + 1)
                if end == .exit(0) { break }
                try #require(end == .signal(SIGKILL))
                deaths += 1
                let audit = table.audit()
                #expect(audit == [], "death \(deaths)")
                let after = expected(after: change, before)
                let now = table.everything()
                #expect(now == before || now == after || (change.verb == "orphans" && isBetween(now, before, after)))
                #expect(table.count == now.count)
                #expect(memory.sessions(of: change.bare) == now.routes(of: change.bare), "death \(deaths)")
                try goOn(with: table)
            }
            #expect(deaths >= (change.verb == "update" ? 0 : 4), "the hook has gone")
        }

        /// The one that repairs dies as well, at each point of the repair in turn.
        @Test(arguments: [("remove", 3), ("remove", 6), ("replace", 7), ("replace", 11), ("insert", 4)])
        func deathDuringRepair(verb: String, death: Int) throws {
            let change = Change(
                name: verb, verb: verb, resource: Self.long, others: 10, otherResource: Self.long,
                isThere: verb != "insert")
            var deaths = 0
            while true {
                let segment = try smallSegment()
                let table = SessionTable(segment)
                try prepare(table, for: change)
                let before = table.everything()
                let memory = RouteCache(table)
                #expect(memory.sessions(of: change.bare) == before.routes(of: change.bare))
                try #require(try run(change, in: segment, death: death) == .signal(SIGKILL))
                let second = Change(name: "", verb: "update", bare: "user0@example.com", resource: Self.long)
                let end = try run(second, in: segment, death: deaths + 1)
                if end != .signal(SIGKILL) { break }
                deaths += 1
                #expect(table.audit() == [], "death \(deaths)")
                let now = table.everything()
                #expect(now == before || now == expected(after: change, before))
                #expect(memory.sessions(of: change.bare) == now.routes(of: change.bare), "death \(deaths)")
                try goOn(with: table)
            }
            #expect(deaths >= 10, "the hook has gone")
        }

        private func prepare(_ table: SessionTable, for change: Change) throws {
            if change.wasLarge {
                for number in 0..<200 { _ = try table.insert(sample("gone\(number)@example.com", "r")) }
            }
            for number in 0..<change.others {
                let other =
                    change.othersAreAkin
                    ? sample(change.bare, "balcon\(number)", slot: 2, connection: UInt64(100 + number))
                    : sample("user\(number)@example.com", change.otherResource, slot: 2)
                _ = try table.insert(other)
                if number == change.others / 2, change.isThere {
                    _ = try table.insert(sample(change.bare, change.resource, slot: 2))
                }
            }
            if change.others == 0 { _ = try table.insert(sample(change.bare, change.resource, slot: 2)) }
            for number in 0..<(change.wasLarge ? 200 : 0) {
                table.remove("gone\(number)@example.com", resource: "r", owner: sample("", "").owner)
            }
        }

        private func run(_ change: Change, in segment: SharedSegment, death: Int) throws -> Probe.End {
            let connection = change.verb == "replace" ? "2" : "1"
            return try Probe(
                segment, "once", "\(death)", change.verb, change.bare, change.resource, connection
            ).end()
        }

        private func expected(
            after change: Change, _ before: [String: SessionRecord]
        ) -> [String: SessionRecord] {
            var table = before
            let full = change.bare + "/" + change.resource
            let entered = SessionRecord(
                bare: change.bare, resource: change.resource, slot: 2, incarnation: 1,
                connection: change.verb == "replace" ? 2 : 1, since: 1, address: "192.0.2.9")
            switch change.verb {
            case "insert", "replace": table[full] = entered
            case "remove": table[full] = nil
            case "update":
                table[full]?.priority = 7
                table[full]?.flags = .available
            default: table = table.filter { $0.value.slot != 2 }
            }
            return table
        }

        private func isBetween(
            _ now: [String: SessionRecord], _ before: [String: SessionRecord], _ after: [String: SessionRecord]
        ) -> Bool {
            now.allSatisfy { before[$0.key] == $0.value } && after.allSatisfy { now[$0.key] == $0.value }
        }

        private func goOn(with table: SessionTable) throws {
            let newcomer = sample("romeo@example.net", Self.long)
            #expect(try table.insert(newcomer) == .inserted)
            for record in table.everything().values {
                #expect(table.remove(record.bare, resource: record.resource, owner: record.owner))
            }
            #expect(table.count == 0)
            #expect(table.audit() == [])
        }
    #endif

    /// Two probes and this process change the same two shards; the probes are killed 200 times wherever they are, and
    /// on until one has died inside the table.
    @Test func deathAnywhere() throws {
        let segment = try smallSegment(shards: 2)
        let table = SessionTable(segment)
        let cells = WorkerCells(segment)
        var lottery = Lottery(7)
        var model: [String: SessionRecord] = [:]
        var incarnations: [UInt32] = [0, 0]
        var probes = try (0..<2).map { try hammer(segment, slot: $0, &incarnations, &lottery) }
        var death = 0
        while death < 200 || table.repairs == 0 {
            try #require(death < 5_000, "nobody has died in the table")
            let slot = death % 2
            let until = cells.read(slot, .stanzasReceived) + .random(in: 1...300, using: &lottery)
            var turns = 0
            while cells.read(slot, .stanzasReceived) < until {
                try change(table, &model, &lottery)
                turns += 1
                if turns % 1000 == 0 { try #require(probes[slot].isAlive) }
            }
            for _ in 0..<Int.random(in: 0...30, using: &lottery) { try change(table, &model, &lottery) }
            #expect(probes[slot].kill() == .signal(SIGKILL))
            probes[slot] = try hammer(segment, slot: slot, &incarnations, &lottery)
            var cursor = SessionCursor()
            while !cursor.isAtEnd {
                let orphans = table.takeOrphans(slot: UInt8(slot), before: incarnations[slot], from: &cursor)
                #expect(orphans.allSatisfy { $0.slot == UInt8(slot) && $0.incarnation < incarnations[slot] })
            }
            if death % 10 == 9 { try #require(table.audit() == []) }
            death += 1
        }
        for slot in 0..<2 {
            #expect(probes[slot].kill() == .signal(SIGKILL))
            var cursor = SessionCursor()
            while !cursor.isAtEnd { _ = table.takeOrphans(slot: UInt8(slot), before: .max, from: &cursor) }
        }
        #expect(table.everything() == model)
        #expect(table.count == model.count)
        #expect(table.audit() == [])
    }

    private func hammer(
        _ segment: SharedSegment, slot: Int, _ incarnations: inout [UInt32], _ lottery: inout Lottery
    ) throws -> Probe {
        incarnations[slot] += 1
        return try Probe(segment, "hammer", "\(slot)", "\(incarnations[slot])", "\(lottery.next() >> 1)")
    }

    /// One change of this process's own, with the answer demanded of the table.
    private func change(
        _ table: SessionTable, _ model: inout [String: SessionRecord], _ lottery: inout Lottery
    ) throws {
        let number = Int.random(in: 0..<300, using: &lottery)
        let record = sample(
            "all\(number)@example.com", number % 9 == 0 ? Self.long : "here", slot: 3,
            connection: UInt64.random(in: 0...99, using: &lottery))
        let full = record.bare + "/" + record.resource
        if let known = model[full] {
            try #require(table.session(known.bare, resource: known.resource) == known)
            try #require(table.remove(known.bare, resource: known.resource, owner: known.owner))
            model[full] = nil
        } else {
            try #require(try table.insert(record) == .inserted)
            model[full] = record
        }
    }
}
