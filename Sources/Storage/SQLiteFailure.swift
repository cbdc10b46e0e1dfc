import CSQLite

extension StorageError {
    /// What SQLite's last failure on a connection means to us.
    init(of handle: OpaquePointer) {
        self.init(sqlite: sqlite3_errcode(handle), String(cString: sqlite3_errmsg(handle)))
    }

    /// What a result code of SQLite means to us; of an extended code the primary part counts.
    init(sqlite code: Int32, _ message: String) {
        switch code & 0xFF {
        case SQLITE_FULL: self = .full
        case SQLITE_BUSY, SQLITE_LOCKED: self = .busy
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt(message)
        case SQLITE_CONSTRAINT: self = .constraint(message)
        default: self = .unavailable(message)
        }
    }
}

extension SQLiteConnection {
    /// Runs a statement that has no parameters; nil when it succeeded.
    func failure(of sql: String) -> StorageError? {
        do throws(StorageError) {
            try execute(sql)
            return nil
        } catch {
            return error
        }
    }
}
