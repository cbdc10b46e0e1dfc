import CSQLite
import Glibc
import Testing

@testable import Storage

/// Reads in place: what they find, and what makes them leave the work to a thread.
@Suite(.timeLimit(.minutes(5))) struct CachedReaderTests {
    let temporary: TemporaryDatabase

    init() throws { temporary = try TemporaryDatabase() }

    private func filled(_ rows: Int) async throws -> SQLiteDatabase {
        let database = try temporary.open()
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, content BLOB)")
            for id in 0..<rows {
                try connection.execute(
                    "INSERT INTO t VALUES (?, ?)", .integer(Int64(id)), .bytes([UInt8](repeating: 7, count: 500)))
            }
        }
        return database
    }

    private static func count(_ connection: any SQLConnection) throws(StorageError) -> Int64? {
        try connection.first("SELECT count(*) FROM t") { (row) throws(StorageError) in try row.integer(0) }
    }

    /// Whether this file system tells what is in memory; without that there is nothing to be tested.
    private func isSupported() -> Bool {
        let descriptor = Glibc.open(temporary.path, O_RDONLY)
        defer { close(descriptor) }
        return csqlite_can_read_instantly(descriptor) == 1
    }

    @Test func aShortReadIsAnsweredInPlace() async throws {
        let database = try await filled(10)
        try #require(isSupported(), "the file system of /tmp has no RWF_NOWAIT: use ext4, xfs or btrfs")
        let reader = try CachedReader(path: temporary.path, options: SQLiteOptions())
        // The first may find that SQLite has yet to read the schema.
        #expect(reader.attempt(Self.count) == 10)
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("DELETE FROM t WHERE id < 4")
        }
        #expect(reader.attempt(Self.count) == 6)
        reader.close()
        #expect(reader.attempt(Self.count) == nil)
    }

    @Test func aLongReadIsLeftToAThread() async throws {
        let database = try await filled(2000)
        let reader = try CachedReader(path: temporary.path, options: SQLiteOptions())
        let sum = "SELECT count(*) FROM t a, t b WHERE a.id + b.id > 3"
        #expect(
            reader.attempt { (connection) throws(StorageError) in
                try connection.first(sum) { (row) throws(StorageError) in try row.integer(0) }
            } == nil)
        #expect(reader.attempt(Self.count) == 2000)
        let all = try await database.read { (connection) throws(StorageError) in
            try connection.first("SELECT max(a.id + b.id) FROM t a, t b") { (row) throws(StorageError) in try row.integer(0) }
        }
        #expect(all == 3998)
        reader.close()
    }

    @Test func pagesThatAreNotInMemoryAreLeftToAThread() async throws {
        let database = try await filled(2000)
        try #require(isSupported(), "the file system of /tmp has no RWF_NOWAIT: use ext4, xfs or btrfs")
        let reader = try CachedReader(path: temporary.path, options: SQLiteOptions())
        #expect(reader.attempt(Self.count) == 2000)
        // Written to the main file, the pages are dropped from memory: SQLite's own, then the system's.
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("UPDATE t SET content = x'01'")
        }
        let checkpoint = try SQLiteConnection(path: temporary.path, role: .writer, options: SQLiteOptions())
        try checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        checkpoint.close()
        let descriptor = Glibc.open(temporary.path, O_RDONLY)
        fsync(descriptor)
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        let before = reader.attempt(Self.count)
        let answer = try await database.read { (connection) throws(StorageError) in try Self.count(connection) }
        #expect(answer == 2000)
        #expect(before == nil || before == 2000)
        #expect(reader.attempt(Self.count) == 2000)
        reader.close()
        // Not closed: that would give up the locks of this process.
    }
}
