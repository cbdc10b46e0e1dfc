import Glibc
import Testing

@testable import Storage

/// Several processes on one file, as the workers are: nothing is lost between them, and one that dies harms no other.
@Suite(.timeLimit(.minutes(5))) struct SeveralProcessesTests {
    let temporary: TemporaryDatabase

    init() throws { temporary = try TemporaryDatabase() }

    /// Adds one to a number, `count` times from 4 tasks at once: read, then write.
    private static func count(_ count: Int64, in database: SQLiteDatabase) async throws {
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<count / 4 {
                        try await database.write { (connection) throws(StorageError) -> Void in
                            let old = try connection.first("SELECT n FROM counter") { (row) throws(StorageError) in
                                try row.integer(0)
                            }
                            try connection.execute("UPDATE counter SET n = ?", .integer((old ?? 0) + 1))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func number(_ database: SQLiteDatabase) async throws -> Int64? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first("SELECT n FROM counter") { (row) throws(StorageError) in try row.integer(0) }
        }
    }

    private func prepare(_ database: SQLiteDatabase) async throws {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("CREATE TABLE counter (n BIGINT)")
            try connection.execute("INSERT INTO counter VALUES (0)")
        }
    }

    @Test func noUpdateIsLostBetweenTwoDatabasesOfOneProcess() async throws {
        let one = try temporary.open()
        let two = try temporary.open()
        try await prepare(one)
        async let first: Void = Self.count(400, in: one)
        async let second: Void = Self.count(400, in: two)
        _ = try await (first, second)
        #expect(try await Self.number(one) == 800)
        #expect(temporary.failures.errors == [])
    }

    @Test func noUpdateIsLostBetweenProcesses() async throws {
        let database = try temporary.open()
        try await prepare(database)
        let path = temporary.path
        async let first = #expect(processExitsWith: .success) { [path = path as String] in
            try await Self.count(400, in: try SQLiteDatabase(path: path) { _, _ in exit(3) })
        }
        async let second = #expect(processExitsWith: .success) { [path = path as String] in
            try await Self.count(400, in: try SQLiteDatabase(path: path) { _, _ in exit(3) })
        }
        async let own: Void = Self.count(400, in: database)
        _ = try await (first, second, own)
        #expect(try await Self.number(database) == 1200)
        #expect(temporary.failures.errors == [])
    }

    /// The first to open a new file switches it to WAL mode, for which SQLite does not wait.
    @Test func severalMayOpenANewFileAtOnce() async throws {
        for round in 0..<20 {
            let fresh = try TemporaryDatabase()
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 { group.addTask { try await Schema.migrate(try fresh.open()) } }
                try await group.waitForAll()
            }
            #expect(fresh.failures.errors == [], "round \(round)")
        }
    }

    @Test func aProcessKilledInTheMiddleLeavesWholeTransactions() async throws {
        let path = temporary.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let database = try SQLiteDatabase(path: path) { _, _ in exit(3) }
            try await Schema.migrate(database)
            let accounts = AccountRepository(database)
            for number in 0..<20 {
                _ = try await accounts.create(
                    UserKey(user: "u\(number)", domain: "x"), StoredCredentials(secret: .plain("p"), createdAt: 0))
            }
            // The count is changed, the account is not there yet: dying here must undo the count.
            try await database.write { (connection) throws(StorageError) -> Void in
                try connection.execute("UPDATE account_count SET accounts = 99")
                kill(getpid(), SIGKILL)
            }
        }
        let database = try temporary.open()
        #expect(try await database.integrity() == ["ok"])
        let accounts = AccountRepository(database)
        #expect(try await accounts.count("x") == 20)
        #expect(try await accounts.list("x", limit: 100).count == 20)
        #expect(try await accounts.create(alice, AccountRepositoryTests.plain) == .created)
    }

    /// A file size limit makes the log's writes fail at the commit, as a full disk does.
    @Test func aDiskThatFailsAtTheCommitLosesNothingThatWasAnswered() async throws {
        let path = temporary.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            let database = try SQLiteDatabase(path: path) { _, _ in }
            try await Schema.migrate(database)
            let offline = OfflineRepository(database)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            limit.rlim_cur = 600_000
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            var answered = 0
            var failed = 0
            for _ in 0..<200 {
                do throws(StorageError) {
                    _ = try await offline.store(alice, .init([UInt8](repeating: 1, count: 5000), receivedAt: 1), now: 1, limit: nil)
                    answered += 1
                } catch {
                    failed += 1
                }
            }
            precondition(answered > 0 && failed > 0)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            _ = try await offline.store(alice, .init([2], receivedAt: 1), now: 1, limit: nil)
            let kept = try await offline.count(alice)
            precondition(kept == answered + 1)
            let integrity = try await database.integrity()
            precondition(integrity == ["ok"])
        }
    }
}
