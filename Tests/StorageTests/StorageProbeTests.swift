import Glibc
import Testing

@testable import Storage

/// Whether a database can be used is found out without a trace.
@Suite(.timeLimit(.minutes(5))) struct StorageProbeTests {
    @Test func oneThatIsNotThereIsNotThereAfterwards() throws {
        let temporary = try TemporaryDatabase()
        try StorageProbe.run(path: temporary.path)
        for name in ["", "-wal", "-shm", "-turn"] { #expect(access(temporary.path + name, F_OK) != 0, "\(name)") }
        // Nor is anything else there.
        #expect(rmdir(temporary.directory) == 0)
    }

    @Test func anEmptyOneStaysEmpty() async throws {
        let temporary = try TemporaryDatabase()
        let database = try temporary.open()
        try StorageProbe.run(path: temporary.path)
        let tables = try await database.read { (connection) throws(StorageError) in
            try connection.all("SELECT name FROM sqlite_master") { (row) throws(StorageError) in try row.text(0) }
        }
        #expect(tables == [])
        try await Schema.migrate(database)
        try StorageProbe.run(path: temporary.path)
        #expect(try await Schema.migrate(database) == Schema.version)
    }

    @Test func whatCannotBeUsedIsRefused() async throws {
        #expect(throws: StorageError.self) { try StorageProbe.run(path: "/nowhere/at/all.sqlite") }
        let temporary = try TemporaryDatabase()
        try temporary.writeFile([UInt8](repeating: 0x78, count: 4096))
        #expect(throws: StorageError.corrupt("file is not a database")) { try StorageProbe.run(path: temporary.path) }
        unlink(temporary.path)
        let database = try await temporary.openMigrated()
        _ = try await database.write { (connection) throws(StorageError) in
            try connection.execute("UPDATE schema_version SET version = 99")
        }
        #expect(throws: StorageError.newerSchema(found: 99, known: Schema.version)) { try StorageProbe.run(path: temporary.path) }
    }
}
