import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(5))) struct RosterRepositoryTests {
    let temporary: TemporaryDatabase
    let database: SQLiteDatabase
    let rosters: RosterRepository

    init() async throws {
        temporary = try TemporaryDatabase()
        database = try await temporary.openMigrated()
        rosters = RosterRepository(database, maxItems: 3, maxRequests: 3, now: { 1000 })
    }

    @Test func keepsAllOfAnItem() async throws {
        let item = RosterItem(
            contact: "c@x", name: "Carol", groups: ["Friends", "", "a b"], subscription: .from, pendingOut: true, pendingIn: true,
            pendingInStanza: [60, 62], approved: true, isListed: true)
        guard case .done(let change) = try await rosters.set(alice, item) else { throw Unexpected() }
        #expect(change == RosterChange(old: nil, new: item, version: 1001, isVisible: true))
        #expect(try await rosters.item(alice, "c@x") == item)
        var inList = item
        inList.pendingInStanza = nil
        #expect(try await rosters.items(alice) == [inList], "without the request, which is read by itself")
        #expect(try await rosters.items(bob) == [])
        #expect(try await rosters.item(alice, "d@x") == nil)
    }

    @Test func modifiesAndTellsBeforeAndAfter() async throws {
        _ = try await rosters.set(alice, RosterItem(contact: "c@x", subscription: .to))
        let outcome = try await rosters.modify(alice, "c@x") { item in
            var item = item
            item?.subscription = .both
            return item
        }
        guard case .done(let change) = outcome else { throw Unexpected() }
        #expect(change.old?.subscription == .to)
        #expect(change.new?.subscription == .both)
        #expect(change.version == 1002)
        #expect(change.isVisible)
    }

    @Test func whatClientsDoNotSeeKeepsTheVersion() async throws {
        let request = RosterItem(contact: "c@x", pendingIn: true, pendingInStanza: [1], isListed: false)
        guard case .done(let first) = try await rosters.set(alice, request) else { throw Unexpected() }
        #expect(!first.isVisible)
        #expect(try await rosters.roster(alice).version == 0)
        var listed = request
        listed.isListed = true
        guard case .done(let second) = try await rosters.set(alice, listed) else { throw Unexpected() }
        #expect(second.isVisible)
        listed.pendingIn = false
        listed.pendingInStanza = nil
        guard case .done(let third) = try await rosters.set(alice, listed) else { throw Unexpected() }
        #expect(!third.isVisible)
        #expect(third.version == second.version)
        guard case .done(let same) = try await rosters.set(alice, listed) else { throw Unexpected() }
        #expect(!same.isVisible)
        #expect(try await rosters.roster(alice).version == second.version)
    }

    @Test("requests of strangers have a bound of their own, and are read in pages")
    func requestsAreBounded() async throws {
        let rosters = RosterRepository(database, maxItems: 9, maxRequests: 3)
        for contact in ["a@x", "b@x", "c@x", "d@x"] {
            let request = RosterItem(
                contact: contact, pendingIn: true, pendingInStanza: [UInt8](repeating: 1, count: 10), isListed: false)
            let outcome = try await rosters.set(alice, request)
            #expect((outcome == .full) == (contact == "d@x"))
        }
        #expect(try await rosters.requests(alice, limit: 9, bytes: 25).map(\.contact) == ["a@x", "b@x"])
        #expect(try await rosters.requests(alice, after: "b@x", limit: 9, bytes: 1).map(\.contact) == ["c@x"])
        #expect(try await rosters.requests(alice, limit: 1, bytes: 25).map(\.contact) == ["a@x"])
        #expect(try await rosters.requests(alice, after: "c@x", limit: 9, bytes: 25) == [])
        #expect(try await rosters.items(alice).allSatisfy { $0.pendingIn && $0.pendingInStanza == nil })
    }

    @Test func namesAndGroupsHaveABoundOfBytes() async throws {
        let rosters = RosterRepository(database, maxItems: 10, maxBytes: 100)
        #expect(try await rosters.set(alice, RosterItem(contact: "a@x", groups: [String(repeating: "g", count: 86)])) != .full)
        #expect(try await rosters.set(alice, RosterItem(contact: "b@x", name: "Juliet")) != .full, "no more than the average")
        #expect(try await rosters.set(alice, RosterItem(contact: "c@x", name: "Juliet C.")) == .full)
        #expect(try await rosters.set(alice, RosterItem(contact: "a@x", groups: [String(repeating: "g", count: 80)])) != .full)
    }

    @Test func removingWhatIsNotThereChangesNothing() async throws {
        guard case .done(let change) = try await rosters.remove(alice, "c@x") else { throw Unexpected() }
        #expect(change == RosterChange(old: nil, new: nil, version: 0, isVisible: false))
    }

    @Test func eachVisibleChangeHasAVersion() async throws {
        _ = try await rosters.set(alice, RosterItem(contact: "a@x"))
        let version = try await rosters.roster(alice).version
        _ = try await rosters.set(alice, RosterItem(contact: "a@x", name: "A"))
        _ = try await rosters.remove(alice, "a@x")
        #expect(try await rosters.roster(alice) == StoredRoster(items: [], version: version + 2))
    }

    @Test func aUserRegisteredAgainDoesNotCountOldVersions() async throws {
        _ = try await rosters.set(alice, RosterItem(contact: "a@x"))
        let old = try await rosters.roster(alice).version
        _ = try await AccountRepository(database).remove(alice)
        let later = RosterRepository(database, now: { 9000 })
        _ = try await later.set(alice, RosterItem(contact: "b@x"))
        #expect(try await later.roster(alice).version == 9001 && old == 1001)
    }

    @Test func theLimitHoldsForContactsAndForRequestsApart() async throws {
        for contact in ["a@x", "b@x", "c@x"] {
            _ = try await rosters.set(alice, RosterItem(contact: contact, pendingIn: true, isListed: false))
        }
        #expect(try await rosters.set(alice, RosterItem(contact: "d@x", pendingIn: true, isListed: false)) == .full)
        for contact in ["a@x", "e@x", "f@x"] {
            guard case .done = try await rosters.set(alice, RosterItem(contact: contact)) else { throw Unexpected() }
        }
        #expect(try await rosters.set(alice, RosterItem(contact: "g@x")) == .full)
        #expect(try await rosters.set(alice, RosterItem(contact: "b@x")) == .full)
        guard case .done = try await rosters.set(alice, RosterItem(contact: "a@x", name: "A")) else { throw Unexpected() }
        #expect(try await rosters.item(alice, "g@x") == nil)
    }

    @Test func findsContactsBySubscription() async throws {
        let all = RosterRepository(database)
        for (contact, subscription) in [("n@x", .none), ("t@x", .to), ("f@x", .from), ("b@x", .both)]
            as [(String, RosterItem.Subscription)]
        {
            _ = try await all.set(alice, RosterItem(contact: contact, subscription: subscription))
        }
        #expect(try await all.contacts(alice, with: [.from, .both]) == ["b@x", "f@x"])
        #expect(try await all.contacts(alice, with: [.to, .both]) == ["b@x", "t@x"])
    }

    @Test func anItemCannotBecomeAnotherContact() async throws {
        await #expect(throws: StorageError.self) { try await rosters.modify(alice, "a@x") { _ in RosterItem(contact: "b@x") } }
    }
}

/// An outcome that the test did not count with.
struct Unexpected: Error {}
