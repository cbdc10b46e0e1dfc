import Glibc

/// Finds out whether this process could serve with a database, and leaves it as it was: the file is opened and brought to the
/// present schema in a transaction that is taken back. One that is not there is made, and removed again.
public enum StorageProbe {
    /// Blocks the calling thread.
    public static func run(path: String) throws(StorageError) {
        let isNew = access(path, F_OK) != 0
        defer { if isNew { for name in ["", "-wal", "-shm", "-turn"] { unlink(path + name) } } }
        try SQLiteDatabase.createFile(at: path)
        let connection = try SQLiteConnection(path: path, role: .writer, options: SQLiteOptions())
        defer { connection.close() }
        let turnstile = try WriterLock(path: path)
        guard turnstile.enter(connection.patience) else { throw .busy }
        defer { turnstile.leave() }
        if let error = connection.failure(of: "BEGIN IMMEDIATE") { throw error }
        do throws(StorageError) {
            try Schema.migrate(on: connection)
        } catch {
            _ = connection.failure(of: "ROLLBACK")
            throw error
        }
        if let error = connection.failure(of: "ROLLBACK") { throw error }
    }
}

extension Schema {
    /// All that is missing, in the transaction that is open.
    fileprivate static func migrate(on connection: SQLiteConnection) throws(StorageError) {
        let found = try storedVersion(connection)
        if found > version { throw .newerSchema(found: found, known: version) }
        for migration in migrations where migration.number > found {
            for statement in migration.statements(.sqlite) { try connection.execute(statement) }
        }
        // With nothing to do it has been read only: a file that cannot be written shows now.
        try connection.execute("UPDATE schema_version SET version = version")
    }
}
