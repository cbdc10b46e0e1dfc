import Testing

@testable import SharedState

/// The table against a dictionary: thousands of random operations, one answer demanded of both.
@Suite(.timeLimit(.minutes(5))) struct SessionModelTests {
    @Test(arguments: [(1, 1), (2, 1), (3, 4), (4, 16)])
    func randomOperationsAgreeWithADictionary(seed: Int, shards: Int) throws {
        var lottery = Lottery(UInt64(seed))
        let table = SessionTable(try smallSegment(shards: shards, entriesPerShard: 1024, overflowUnits: 8192))
        let memory = RouteCache(table)
        var model: [String: SessionRecord] = [:]
        for step in 0..<6000 {
            // First more come than leave, then more leave than come: the index grows and shrinks on the way.
            let arriving = Int.random(in: 0..<10, using: &lottery) < (step / 1500 % 2 == 0 ? 7 : 3)
            let record = randomRecord(&lottery)
            let full = record.bare + "/" + record.resource
            switch (arriving, Int.random(in: 0..<8, using: &lottery)) {
            case (true, 0):
                #expect(try table.replace(record) == model.updateValue(record, forKey: full))
            case (true, _):
                let expected = model[full].map(SessionTable.Insertion.conflict) ?? .inserted
                #expect(try table.insert(record) == expected)
                if expected == .inserted { model[full] = record }
            case (false, 0):
                let owner = model[full]?.owner ?? record.owner
                let changed = table.update(
                    record.bare, resource: record.resource, owner: owner, priority: record.priority,
                    flags: record.flags)
                #expect(changed == (model[full] != nil))
                model[full]?.priority = record.priority
                model[full]?.flags = record.flags
            case (false, _):
                guard let victim = model.values.randomElement(using: &lottery) else { continue }
                #expect(table.remove(victim.bare, resource: victim.resource, owner: victim.owner))
                model[victim.bare + "/" + victim.resource] = nil
            }
            #expect(table.session(record.bare, resource: record.resource) == model[full])
            #expect(table.count == model.count)
            #expect(memory.sessions(of: record.bare) == model.routes(of: record.bare))
            if step % 500 == 0 { #expect(table.audit() == []) }
        }
        #expect(table.everything() == model)
        #expect(table.audit() == [])
    }

    private func randomRecord(_ lottery: inout Lottery) -> SessionRecord {
        let user = Int.random(in: 0..<400, using: &lottery)
        let padding = user % 7 == 0 ? user * 4 : user % 5
        let device = Int.random(in: 0..<4, using: &lottery)
        return sample(
            "user\(user)" + String(repeating: "x", count: min(padding, 1000)) + "@example.com",
            device == 3 ? String(repeating: "r", count: user * 2) : "device\(device)",
            slot: .random(in: 0...3, using: &lottery), incarnation: .random(in: 1...3, using: &lottery),
            connection: .random(in: 0...9, using: &lottery), priority: .random(in: -128...127, using: &lottery),
            flags: SessionFlags(rawValue: .random(in: 0...255, using: &lottery)),
            address: device == 2 ? "2001:db8:1111:2222:3333:4444:5555:6666" : "192.0.2.\(user % 256)")
    }
}
