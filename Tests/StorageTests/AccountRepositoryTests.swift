import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(5))) struct AccountRepositoryTests {
    let temporary: TemporaryDatabase
    let database: SQLiteDatabase
    let accounts: AccountRepository

    init() async throws {
        temporary = try TemporaryDatabase()
        database = try await temporary.openMigrated()
        accounts = AccountRepository(database)
    }

    static func keys(_ seed: UInt8, length: Int) -> ScramKeys {
        ScramKeys(
            salt: Array(repeating: seed, count: 16), iterations: 10_000 + Int(seed),
            storedKey: Array(repeating: seed &+ 1, count: length),
            serverKey: Array(repeating: seed &+ 2, count: length))
    }

    static let scram = StoredCredentials(
        secret: .scram([.sha1: keys(1, length: 20), .sha256: keys(3, length: 32), .sha512: keys(5, length: 64)]),
        createdAt: 1_700_000_000)
    static let plain = StoredCredentials(secret: .plain("pencil"), createdAt: 12)

    @Test(arguments: [Self.scram, Self.plain])
    func keepsCredentials(_ credentials: StoredCredentials) async throws {
        #expect(try await accounts.credentials(alice) == nil)
        #expect(try await accounts.create(alice, credentials) == .created)
        #expect(try await accounts.credentials(alice) == credentials)
        #expect(try await accounts.exists(alice))
        #expect(try await !accounts.exists(bob))
    }

    @Test func createsOnlyOnce() async throws {
        #expect(try await accounts.create(alice, Self.scram) == .created)
        #expect(try await accounts.create(alice, Self.plain) == .exists)
        #expect(try await accounts.credentials(alice) == Self.scram)
        #expect(try await accounts.count("example.org") == 1)
    }

    @Test func countsPerDomainAndHoldsTheLimit() async throws {
        #expect(try await accounts.create(alice, Self.plain, maxAccounts: 1) == .created)
        #expect(try await accounts.create(bob, Self.plain, maxAccounts: 1) == .domainFull)
        #expect(try await accounts.create(UserKey(user: "bob", domain: "other"), Self.plain, maxAccounts: 1) == .created)
        #expect(try await accounts.remove(alice))
        #expect(try await accounts.create(bob, Self.plain, maxAccounts: 1) == .created)
        #expect(try await accounts.count("example.org") == 1)
        #expect(try await accounts.count("nowhere") == 0)
    }

    @Test func changesThePasswordAndKeepsTheDate() async throws {
        #expect(try await !accounts.setCredentials(alice, Self.plain.secret))
        _ = try await accounts.create(alice, Self.plain)
        #expect(try await accounts.setCredentials(alice, Self.scram.secret))
        let found = try #require(try await accounts.credentials(alice))
        #expect(found.secret == Self.scram.secret)
        #expect(found.createdAt == 12)
    }

    @Test("keys are replaced only where they are still those that were read")
    func replacesWhatItHasRead() async throws {
        let other = StoredCredentials.Secret.plain("other")
        #expect(try await !accounts.replaceCredentials(alice, Self.scram.secret, by: other))
        _ = try await accounts.create(alice, Self.scram)
        #expect(try await !accounts.replaceCredentials(alice, other, by: Self.plain.secret))
        #expect(try await accounts.credentials(alice)?.secret == Self.scram.secret)
        #expect(try await accounts.replaceCredentials(alice, Self.scram.secret, by: other))
        #expect(try await accounts.replaceCredentials(alice, other, by: Self.scram.secret))
        #expect(try await accounts.credentials(alice)?.secret == Self.scram.secret)
    }

    @Test func listsInPages() async throws {
        for user in ["c", "a", "e", "b", "d"] { _ = try await accounts.create(UserKey(user: user, domain: "x"), Self.plain) }
        _ = try await accounts.create(alice, Self.plain)
        #expect(try await accounts.list("x", limit: 2) == ["a", "b"])
        #expect(try await accounts.list("x", after: "b", limit: 2) == ["c", "d"])
        #expect(try await accounts.list("x", after: "d", limit: 2) == ["e"])
        #expect(try await accounts.list("x", after: "e", limit: 2) == [])
    }

    @Test func removingTakesEverythingOfTheUserAndNothingElse() async throws {
        let all = Repositories(database)
        for key in [alice, bob] {
            _ = try await accounts.create(key, Self.plain)
            _ = try await all.rosters.set(key, RosterItem(contact: "c@x"))
            _ = try await all.rosters.set(key, RosterItem(contact: "d@x"))
            _ = try await all.rosters.remove(key, "d@x")
            _ = try await all.offline.store(key, .init([1], receivedAt: 1), now: 1, limit: nil)
            _ = try await all.privateStorage.set(key, [.init(namespace: "n", name: "e", xml: [1])])
            try await all.vCards.set(key, .init(xml: [2], photoHash: nil))
            try await all.lastActivity.set(key, .init(seconds: 1, status: ""))
            _ = try await all.blockLists.add(key, ["x"])
            try await all.archivePreferences.set(key, .init(standard: "never"))
            let kept = ArchivedMessage(
                id: key == alice ? 1 : 2, stanza: [1], from: key, to: UserKey(user: "c", domain: "x"), isRecipients: false)
            _ = try await all.archive.append([kept], knowing: ArchiveNumbers())
        }
        #expect(try await accounts.remove(alice))
        #expect(try await !accounts.remove(alice))
        for table in Schema.tablesOfUsers {
            #expect(try await rows(table, of: alice) == 0, "\(table)")
            #expect(try await rows(table, of: bob) > 0, "\(table)")
        }
    }

    /// A table that a removal forgot would leave the rows of a removed user to the next one of that name.
    @Test func everyTableOfUsersIsNamed() async throws {
        let tables = try await database.read { (connection) throws(StorageError) in
            try connection.all(
                """
                SELECT DISTINCT t.name FROM sqlite_master t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND c.name = 'username' ORDER BY t.name
                """
            ) { (row) throws(StorageError) in try row.text(0) }
        }
        #expect(tables == Schema.tablesOfUsers.sorted())
    }

    @Test func secretsHaveNoDescription() {
        var text = "\(Self.plain) \(Self.plain.secret) \(Self.scram)"
        dump(Self.plain, to: &text)
        dump(Self.keys(7, length: 20), to: &text)
        debugPrint(Self.plain, Self.plain.secret, to: &text)
        #expect(!text.contains("pencil"))
        #expect(!text.contains("10007"))
    }

    @Test func damagedKeysAreAnErrorAndNotACrash() throws {
        let whole = try #require(ScramColumn.encode([.sha1: Self.keys(1, length: 20), .sha384: Self.keys(9, length: 48)]))
        #expect(try ScramColumn.decode(whole).count == 2)
        for length in 0..<whole.count where length != 1 && length != 1 + 1 + 4 + 17 + 21 + 21 {
            #expect(throws: StorageError.self) { try ScramColumn.decode(Array(whole.prefix(length))) }
        }
        #expect(throws: StorageError.self) { try ScramColumn.decode([1, 6, 0, 0, 0, 0, 0, 0, 0]) }
        #expect(ScramColumn.encode([.sha1: Self.keys(1, length: 256)]) == nil)
    }

    private func rows(_ table: String, of key: UserKey) async throws -> Int64 {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT COUNT(*) FROM \(table) WHERE domain = ? AND username = ?", key.domainValue, key.userValue
            ) { (row) throws(StorageError) in try row.integer(0) } ?? -1
        }
    }
}
