import Testing

@testable import Storage

/// The repositories of one table and a few verbs.
@Suite(.timeLimit(.minutes(5))) struct SmallRepositoryTests {
    let temporary: TemporaryDatabase
    let repositories: Repositories

    init() async throws {
        temporary = try TemporaryDatabase()
        repositories = Repositories(try await temporary.openMigrated())
    }

    @Test func privateElementsAreKeptByNamespaceAndName() async throws {
        let store = repositories.privateStorage
        #expect(try await store.get(alice, namespace: "n", name: "e") == nil)
        #expect(
            try await store.set(alice, [.init(namespace: "n", name: "e", xml: [1]), .init(namespace: "n", name: "f", xml: [])])
                == .stored)
        #expect(try await store.set(alice, [.init(namespace: "n", name: "e", xml: [2])]) == .stored)
        #expect(try await store.get(alice, namespace: "n", name: "e") == [2])
        #expect(try await store.get(alice, namespace: "n", name: "f") == [])
        #expect(try await store.get(alice, namespace: "m", name: "e") == nil)
        #expect(try await store.get(bob, namespace: "n", name: "e") == nil)
    }

    @Test func privateElementsHaveALimit() async throws {
        let store = repositories.privateStorage
        let both = [
            PrivateStorageRepository.Element(namespace: "n", name: "e", xml: [1]), .init(namespace: "n", name: "f", xml: [1]),
        ]
        #expect(try await store.set(alice, both, maxElements: 1) == .full)
        #expect(try await store.get(alice, namespace: "n", name: "e") == nil)
        #expect(try await store.set(alice, both, maxElements: 2) == .stored)
        #expect(try await store.set(alice, both, maxElements: 1) == .stored)
    }

    @Test func privateElementsHaveABoundOfBytes() async throws {
        let store = repositories.privateStorage
        func element(_ name: String, _ size: Int) -> PrivateStorageRepository.Element {
            .init(namespace: "n", name: name, xml: [UInt8](repeating: 1, count: size))
        }
        #expect(try await store.set(alice, [element("e", 60)], maxBytes: 100) == .stored)
        #expect(try await store.set(alice, [element("f", 40)], maxBytes: 100) == .full)
        #expect(try await store.set(alice, [element("f", 36)], maxBytes: 100) == .stored)
        #expect(try await store.set(alice, [element("e", 61)], maxBytes: 100) == .full)
        #expect(try await store.set(alice, [element("e", 59)], maxBytes: 50) == .stored, "fewer than there were")
    }

    @Test func vCardsAndTheirHashes() async throws {
        let cards = repositories.vCards
        #expect(try await cards.get(alice) == nil)
        #expect(try await cards.photoHash(alice) == nil)
        try await cards.set(alice, .init(xml: Array("<vCard/>".utf8), photoHash: "ab12"))
        #expect(try await cards.get(alice) == .init(xml: Array("<vCard/>".utf8), photoHash: "ab12"))
        #expect(try await cards.photoHash(alice) == "ab12")
        try await cards.set(alice, .init(xml: [1], photoHash: nil))
        #expect(try await cards.photoHash(alice) == nil)
        #expect(try await cards.remove(alice))
        #expect(try await !cards.remove(alice))
    }

    @Test func lastActivity() async throws {
        let activity = repositories.lastActivity
        #expect(try await activity.get(alice) == nil)
        try await activity.set(alice, .init(seconds: 5, status: ""))
        try await activity.set(alice, .init(seconds: 6, status: "\u{0} 'quoted\" \u{1F600}"))
        #expect(try await activity.get(alice) == .init(seconds: 6, status: "\u{0} 'quoted\" \u{1F600}"))
    }

    @Test func blockListsAnswerWhatChanged() async throws {
        let blocks = repositories.blockLists
        #expect(try await blocks.add(alice, ["b@x", "a@x", "b@x"]) == .done(["a@x", "b@x"]))
        #expect(try await blocks.add(alice, ["b@x", "c"]) == .done(["c"]))
        #expect(try await blocks.add(alice, ["d"], limit: 3) == .full)
        #expect(try await blocks.add(alice, ["c"], limit: 3) == .done([]))
        #expect(try await blocks.add(alice, ["dd"], mostCharacters: 8) == .full)
        #expect(try await blocks.list(alice) == ["a@x", "b@x", "c"])
        #expect(try await blocks.remove(alice, ["a@x", "z"]) == ["a@x"])
        #expect(try await blocks.list(bob) == [])
        #expect(try await blocks.removeAll(alice) == ["b@x", "c"])
        #expect(try await blocks.list(alice) == [])
    }

    @Test func theFirstSecretIsKept() async throws {
        #expect(try await repositories.serverValues.secret("salt", orElse: [1, 2]) == [1, 2])
        #expect(try await repositories.serverValues.secret("salt", orElse: [3]) == [1, 2])
        #expect(try await repositories.serverValues.secret("other", orElse: [3]) == [3])
    }
}
