import Glibc
import Synchronization
import Testing

@testable import Storage

/// A directory of its own for one test, with the failures that its databases reported. Removed at the end.
final class TemporaryDatabase: Sendable {
    let directory: String
    let failures = Failures()
    var path: String { directory + "/test.db" }

    init() throws {
        var template = Array("/tmp/xmppd-storage-XXXXXX".utf8CString)
        let made = mkdtemp(&template) != nil
        try #require(made)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in ["test.db", "test.db-wal", "test.db-shm", "test.db-journal", "test.db-turn"] { unlink(directory + "/" + name) }
        rmdir(directory)
    }

    func open(_ change: (inout SQLiteOptions) -> Void = { _ in }) throws(StorageError) -> SQLiteDatabase {
        var options = SQLiteOptions()
        change(&options)
        let failures = failures
        return try SQLiteDatabase(path: path, options: options) { failures.note($0, $1) }
    }

    /// Puts a file in the database's place.
    func writeFile(_ bytes: [UInt8]) throws {
        let file = Glibc.open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        defer { close(file) }
        try #require(write(file, bytes, bytes.count) == bytes.count)
    }

    func openMigrated(_ change: (inout SQLiteOptions) -> Void = { _ in }) async throws(StorageError) -> SQLiteDatabase {
        let database = try open(change)
        try await Schema.migrate(database)
        return database
    }
}

/// The failures that databases reported, in order.
final class Failures: Sendable {
    private let noted = Mutex<[(error: StorageError, what: String)]>([])
    func note(_ error: StorageError, _ what: String) { noted.withLock { $0.append((error, what)) } }
    var errors: [StorageError] { noted.withLock { $0.map(\.error) } }
    var words: [String] { noted.withLock { $0.map(\.what) } }
}

/// Holds a database thread inside a piece of work until the test lets it go.
final class Gate: Sendable {
    private let state = Mutex((entered: false, isOpen: false))

    func open() { state.withLock { $0.isOpen = true } }

    /// Called on the database's thread.
    func passThrough() {
        state.withLock { $0.entered = true }
        while !state.withLock({ $0.isOpen }) { sched_yield() }
    }

    /// Returns once some work stands at the gate.
    func someoneWaits() async {
        while !state.withLock({ $0.entered }) { await Task.yield() }
    }
}

extension SQLiteDatabase {
    /// `PRAGMA integrity_check`: "ok" for a sound file.
    func integrity() async throws -> [String] {
        try await write { (connection) throws(StorageError) in
            try connection.all("PRAGMA integrity_check") { (row) throws(StorageError) in try row.text(0) }
        }
    }

    /// Returns once that much work waits in the queues.
    func waits(for count: Int) async {
        while statistics.waiting < count { await Task.yield() }
    }
}

let alice = UserKey(user: "alice", domain: "example.org")
let bob = UserKey(user: "bob", domain: "example.org")
