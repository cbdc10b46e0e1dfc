import Testing

@Suite("Names", .timeLimit(.minutes(1)))
struct NameTests {
    private static let sources = SourceTree.files(under: "Sources", ["swift"])

    @Test("no two rooms have a type of the same name")
    func namesAreTypedOnce() {
        var rooms: [String: Set<String>] = [:]
        for file in Self.sources {
            for type in file.topLevelTypes { rooms[type, default: []].insert(file.room) }
        }
        for (name, rooms) in rooms where rooms.count > 1 {
            Issue.record("\(name) is a type of \(rooms.sorted().joined(separator: " and of "))")
        }
    }

    @Test(
        "a word that was given up does not come back",
        arguments: [
            "Luggage", "Parcel", "Acquaintances", "Custod", "OfflineKeeper", "TableDirectory", "HandedOver", "StreamText",
            "ConnectionShelf", "Turnstile", "BusyPatience", "InstantReader", "DeathPoint", "Possessions", "Misfit", "Asker",
        ])
    func retiredWordsStayAway(word: String) {
        for file in Self.sources {
            #expect(file.places(of: word).isEmpty, "\(file.places(of: word).joined(separator: ", "))")
        }
    }
}
