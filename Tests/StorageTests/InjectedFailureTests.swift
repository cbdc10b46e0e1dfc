import Testing

@testable import Storage

/// Every change of every repository with its 1st, 2nd, 3rd… statement failing until it succeeds: after each failure the database is as
/// it was before, after the success it is as it should be (H38).
@Suite(.timeLimit(.minutes(5))) struct InjectedFailureTests {
    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        let run: @Sendable (Repositories) async throws(StorageError) -> Void
        var testDescription: String { name }
    }

    static let changes: [Change] = [
        Change(name: "create") { (all) throws(StorageError) in
            _ = try await all.accounts.create(bob, AccountRepositoryTests.scram, maxAccounts: 9)
        },
        Change(name: "password") { (all) throws(StorageError) in
            _ = try await all.accounts.setCredentials(alice, AccountRepositoryTests.scram.secret)
        },
        Change(name: "remove account") { (all) throws(StorageError) in _ = try await all.accounts.remove(alice) },
        Change(name: "add contact") { (all) throws(StorageError) in
            _ = try await all.rosters.set(alice, RosterItem(contact: "new@x"))
        },
        Change(name: "change contact") { (all) throws(StorageError) in
            _ = try await all.rosters.set(alice, RosterItem(contact: "c@x", name: "C"))
        },
        Change(name: "remove contact") { (all) throws(StorageError) in _ = try await all.rosters.remove(alice, "c@x") },
        Change(name: "store offline") { (all) throws(StorageError) in
            _ = try await all.offline.store(alice, .init([3], receivedAt: 3), now: 3, limit: 2)
        },
        Change(name: "delete offline") { (all) throws(StorageError) in _ = try await all.offline.delete(alice, upTo: .max) },
        Change(name: "private") { (all) throws(StorageError) in
            _ = try await all.privateStorage.set(
                alice, [.init(namespace: "n", name: "e", xml: [2]), .init(namespace: "n", name: "f", xml: [3])])
        },
        Change(name: "vcard") { (all) throws(StorageError) in try await all.vCards.set(alice, .init(xml: [2], photoHash: "ab")) },
        Change(name: "last") { (all) throws(StorageError) in try await all.lastActivity.set(alice, .init(seconds: 2, status: "b"))
        },
        Change(name: "archive") { (all) throws(StorageError) in
            let message = ArchivedMessage(id: 3, stanza: [3], from: alice, to: bob, retraction: .init { _, _ in [0] })
            _ = try await all.archive.append([message], knowing: ArchiveNumbers())
        },
        Change(name: "index the archive") { (all) throws(StorageError) in try await all.archive.index() },
        Change(name: "collect an archive") { (all) throws(StorageError) in _ = try await all.archive.collectGarbage() },
        Change(name: "archive preferences") { (all) throws(StorageError) in
            try await all.archivePreferences.set(alice, .init(standard: "never"))
        },
        Change(name: "block") { (all) throws(StorageError) in _ = try await all.blockLists.add(alice, ["y", "z"]) },
        Change(name: "unblock") { (all) throws(StorageError) in _ = try await all.blockLists.remove(alice, ["x", "w"]) },
    ]

    @Test(arguments: changes)
    func aFailureAnywhereChangesNothing(_ change: Change) async throws {
        let temporary = try TemporaryDatabase()
        let database = try await temporary.openMigrated()
        try await Self.fill(Repositories(database))
        let before = try await Self.content(database)
        for call in 1...100 {
            let failing = FailingDatabase(database, failing: call)
            guard let failure = await Self.failure(of: change, on: failing) else {
                #expect(!failing.hasFailed, "the failure of statement \(call) was swallowed")
                #expect(call > 1)
                #expect(try await Self.content(database) != before)
                #expect(try await database.integrity() == ["ok"])
                return
            }
            #expect(failure == .unavailable("injected"))
            #expect(try await Self.content(database) == before, "after the failure of statement \(call)")
        }
        Issue.record("never succeeded")
    }

    private static func failure(of change: Change, on database: FailingDatabase) async -> StorageError? {
        do throws(StorageError) {
            try await change.run(Repositories(database))
            return nil
        } catch {
            return error
        }
    }

    private static func fill(_ all: Repositories) async throws {
        _ = try await all.accounts.create(alice, AccountRepositoryTests.plain)
        _ = try await all.rosters.set(alice, RosterItem(contact: "c@x"))
        for expiry in [2, nil] as [Int64?] {
            _ = try await all.offline.store(alice, .init([1], receivedAt: 1, expiresAt: expiry), now: 1, limit: nil)
        }
        _ = try await all.privateStorage.set(alice, [.init(namespace: "n", name: "e", xml: [1])])
        try await all.vCards.set(alice, .init(xml: [1], photoHash: nil))
        try await all.lastActivity.set(alice, .init(seconds: 1, status: "a"))
        _ = try await all.blockLists.add(alice, ["x", "w"])
        for (id, peer) in [(1, bob), (2, carol)] as [(Int64, UserKey)] {
            let message = ArchivedMessage(id: id, stanza: [1], from: alice, to: peer)
            _ = try await all.archive.append([message], knowing: ArchiveNumbers())
        }
        try await all.archive.index(limit: 1)
        try await all.archivePreferences.set(alice, .init(standard: "roster"))
        _ = try await all.accounts.remove(carol)
    }

    private static let carol = UserKey(user: "carol", domain: "example.org")

    private static let archiveTables = [
        "archive_state", "archive_peer", "archive_chunk", "archive_block", "archive_contact", "archive_garbage", "archive_removal",
    ]

    /// Every row of every table, in words.
    private static func content(_ database: SQLiteDatabase) async throws -> [String] {
        try await database.read { (connection) throws(StorageError) in
            var content: [String] = []
            for table in Schema.tablesOfUsers + ["account_count"] + archiveTables {
                let columns = try connection.all("SELECT name FROM pragma_table_info('\(table)')") { (row) throws(StorageError) in
                    "quote(\(try row.text(0)))"
                }
                content += try connection.all("SELECT \(columns.joined(separator: " || ',' || ")) FROM \(table) ORDER BY 1") {
                    (row) throws(StorageError) in "\(table): \(try row.text(0))"
                }
            }
            return content
        }
    }
}
