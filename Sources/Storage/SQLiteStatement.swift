import CSQLite

/// One prepared statement of a connection.
final class SQLiteStatement {
    let pointer: OpaquePointer
    /// Whether it stands between two of its rows.
    var isRunning = false

    /// Tells SQLite to copy what is bound.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(_ sql: String, on handle: OpaquePointer) throws(StorageError) {
        var pointer: OpaquePointer?
        let status = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &pointer, nil)
        guard status == SQLITE_OK else { throw StorageError(of: handle) }
        guard let pointer else { throw .unavailable("an empty statement") }
        self.pointer = pointer
    }

    deinit { sqlite3_finalize(pointer) }

    /// Sets the parameters, all of them.
    func bind(_ parameters: [SQLValue]) throws(StorageError) {
        guard sqlite3_bind_parameter_count(pointer) == parameters.count else {
            throw .unavailable("a statement was given \(parameters.count) parameters")
        }
        for (index, parameter) in zip(Int32(1)..., parameters) {
            let status =
                switch parameter {
                case .null: sqlite3_bind_null(pointer, index)
                case .integer(let integer): sqlite3_bind_int64(pointer, index, integer)
                case .real(let real): sqlite3_bind_double(pointer, index, real)
                case .text(let text): Self.bind(text, pointer, index)
                case .bytes(let bytes): Self.bind(bytes, pointer, index)
                }
            guard status == SQLITE_OK else { throw StorageError(sqlite: status, "a parameter could not be bound") }
        }
    }

    /// Ends the run and forgets the parameters, which may be large or secret.
    func reset() {
        sqlite3_reset(pointer)
        sqlite3_clear_bindings(pointer)
        isRunning = false
    }

    /// The row that the statement stands on.
    var row: SQLRow {
        SQLRow(
            (0..<sqlite3_column_count(pointer)).map { column in
                switch sqlite3_column_type(pointer, column) {
                case SQLITE_INTEGER: .integer(sqlite3_column_int64(pointer, column))
                case SQLITE_FLOAT: .real(sqlite3_column_double(pointer, column))
                case SQLITE_TEXT: .text(String(decoding: bytes(sqlite3_column_text(pointer, column), column), as: UTF8.self))
                case SQLITE_BLOB: .bytes([UInt8](bytes(sqlite3_column_blob(pointer, column), column)))
                default: .null
                }
            })
    }

    /// The bytes of a column whose start was asked for first, as SQLite wants it. An empty one has no start.
    private func bytes(_ start: UnsafeRawPointer?, _ column: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(pointer, column)))
    }

    private static func bind(_ text: String, _ pointer: OpaquePointer, _ index: Int32) -> Int32 {
        // The C string of an empty text has a start; without one SQLite would bind null. Its length lets it contain NUL.
        text.withCString { sqlite3_bind_text(pointer, index, $0, Int32(clamping: text.utf8.count), transient) }
    }

    private static func bind(_ bytes: [UInt8], _ pointer: OpaquePointer, _ index: Int32) -> Int32 {
        if bytes.isEmpty { return sqlite3_bind_zeroblob(pointer, index, 0) }
        return sqlite3_bind_blob64(pointer, index, bytes, UInt64(bytes.count), transient)
    }
}
