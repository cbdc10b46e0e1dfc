import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(5))) struct SchemaTests {
    let temporary: TemporaryDatabase

    init() throws { temporary = try TemporaryDatabase() }

    @Test func numbersAreOneTwoThree() {
        #expect(Schema.migrations.map(\.number) == Array(1...Schema.migrations.count))
    }

    @Test func bringsAnEmptyDatabaseToTheNewestVersion() async throws {
        let database = try temporary.open()
        #expect(try await Schema.migrate(database) == 0)
        #expect(try await Schema.migrate(database) == Schema.version)
        try await Schema.check(database)
    }

    @Test(arguments: 1...Schema.version)
    func bringsEachVersionToTheNewest(_ version: Int) async throws {
        let database = try temporary.open()
        _ = try await Schema.migrate(database, with: Array(Schema.migrations.prefix(version)))
        let accounts = AccountRepository(database)
        _ = try await accounts.create(alice, AccountRepositoryTests.plain)
        if version < Schema.version {
            await #expect(throws: StorageError.outdatedSchema(found: version, needed: Schema.version)) {
                try await Schema.check(database)
            }
        }
        #expect(try await Schema.migrate(database) == version)
        try await Schema.check(database)
        #expect(try await accounts.exists(alice))
    }

    @Test func aNewerSchemaIsRefusedUntouched() async throws {
        let database = try temporary.open()
        let newer = Schema.migrations + [SchemaMigration(Schema.version + 1) { _ in ["CREATE TABLE later (x BIGINT)"] }]
        _ = try await Schema.migrate(database, with: newer)
        let refusal = StorageError.newerSchema(found: Schema.version + 1, known: Schema.version)
        await #expect(throws: refusal) { try await Schema.migrate(database) }
        await #expect(throws: refusal) { try await Schema.check(database) }
        #expect("\(refusal)".contains("start the newer server again"))
        #expect(try await Schema.migrate(database, with: newer) == Schema.version + 1)
    }

    @Test func aStepThatFailsLeavesTheVersionBefore() async throws {
        let database = try temporary.open()
        let broken =
            Array(Schema.migrations.prefix(2)) + [SchemaMigration(3) { _ in ["CREATE TABLE half (x BIGINT)", "nonsense"] }]
        await #expect(throws: StorageError.self) { try await Schema.migrate(database, with: broken) }
        #expect(try await Schema.migrate(database, with: Array(Schema.migrations.prefix(2))) == 2)
        #expect(try await Schema.migrate(database) == 2)
    }

    @Test func severalMayMigrateAtOnce() async throws {
        let databases = try (0..<4).map { _ in try temporary.open() }
        try await withThrowingTaskGroup { group in
            for database in databases { group.addTask { try await Schema.migrate(database) } }
            try await group.waitForAll()
        }
        try await Schema.check(databases[0])
        #expect(temporary.failures.errors == [])
    }
}
