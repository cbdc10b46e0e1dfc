import Testing

@testable import Storage

/// The driver: gathering, isolation of neighbours, bounds, and what a lock or a full file does.
@Suite(.timeLimit(.minutes(5))) struct SQLiteDatabaseTests {
    let temporary: TemporaryDatabase

    init() throws { temporary = try TemporaryDatabase() }

    private static func table(_ database: SQLiteDatabase) async throws {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, content BLOB)")
        }
    }

    private static func insert(_ id: Int64, bytes size: Int = 1, _ database: SQLiteDatabase) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("INSERT INTO t VALUES (?, ?)", .integer(id), .bytes([UInt8](repeating: 7, count: size)))
        }
    }

    private static func ids(_ database: SQLiteDatabase) async throws -> [Int64] {
        try await database.read { (connection) throws(StorageError) in
            try connection.all("SELECT id FROM t ORDER BY id") { (row) throws(StorageError) in try row.integer(0) }
        }
    }

    /// Runs `write` for 0, 1, 2… so that all of them wait together while another one holds the thread. Returns each one's failure.
    private static func together(
        _ database: SQLiteDatabase, _ count: Int64, _ write: @escaping @Sendable (Int64) async throws -> Void
    ) async -> [StorageError?] {
        let gate = Gate()
        let holder = Task { try await database.write { (_) throws(StorageError) in gate.passThrough() } }
        await gate.someoneWaits()
        let failures = await withTaskGroup(of: (Int64, StorageError?).self) { group in
            for index in 0..<count {
                group.addTask {
                    do {
                        try await write(index)
                        return (index, nil)
                    } catch {
                        return (index, error as? StorageError ?? .unavailable("\(error)"))
                    }
                }
            }
            await database.waits(for: Int(count))
            gate.open()
            var failures = [StorageError?](repeating: nil, count: Int(count))
            for await (index, failure) in group { failures[Int(index)] = failure }
            return failures
        }
        _ = await holder.result
        return failures
    }

    @Test func writesThatWaitShareATransaction() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        let before = database.statistics.transactions
        let failures = await Self.together(database, 100) { try await Self.insert($0, database) }
        #expect(failures.allSatisfy { $0 == nil })
        #expect(database.statistics.transactions - before == 2)
        #expect(database.statistics.largestBatch == 100)
        #expect(try await Self.ids(database) == Array(0..<100))
    }

    @Test func batchesAreBounded() async throws {
        let database = try temporary.open { $0.batch = 10 }
        try await Self.table(database)
        let before = database.statistics.transactions
        _ = await Self.together(database, 95) { try await Self.insert($0, database) }
        #expect(database.statistics.transactions - before == 11)
        #expect(database.statistics.largestBatch == 10)
    }

    @Test func aFailingWriteDoesNotHarmItsNeighbours() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        let before = database.statistics.transactions
        let failures = await Self.together(database, 30) { id in
            try await database.write { (connection) throws(StorageError) -> Void in
                try connection.execute("INSERT INTO t VALUES (?, NULL)", .integer(id))
                if id % 3 == 1 { try connection.execute("INSERT INTO t VALUES (?, NULL)", .integer(id)) }
                if id % 3 == 2 { throw .corrupt("given up") }
            }
        }
        for (id, failure) in failures.enumerated() {
            switch (id % 3, failure) {
            case (0, nil), (1, .constraint), (2, .corrupt("given up")): break
            default: Issue.record("write \(id): \(String(describing: failure))")
            }
        }
        #expect(try await Self.ids(database) == Array(stride(from: 0, to: 30, by: 3)))
        #expect(database.statistics.transactions - before == 2)
        #expect(temporary.failures.words == ["10 writes failed", "10 writes failed"])
    }

    @Test func aWriteThatFailsAloneLeavesNothing() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        await #expect(throws: StorageError.corrupt("given up")) {
            try await database.write { (connection) throws(StorageError) -> Void in
                try connection.execute("INSERT INTO t VALUES (1, NULL)")
                throw .corrupt("given up")
            }
        }
        #expect(try await Self.ids(database) == [])
        #expect(temporary.failures.errors == [.corrupt("given up")])
    }

    /// A work that ends the transaction behind our back stands for SQLite rolling it back on a full disk.
    @Test func aSpoiledTransactionIsRunAgainForEachAlone() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        let failures = await Self.together(database, 9) { id in
            try await database.write { (connection) throws(StorageError) -> Void in
                try connection.execute("INSERT INTO t VALUES (?, NULL)", .integer(id))
                guard id != 4 else {
                    try connection.execute("ROLLBACK")
                    throw .full
                }
            }
        }
        #expect(failures == (0..<9).map { $0 == 4 ? StorageError.full : nil })
        #expect(try await Self.ids(database) == [0, 1, 2, 3, 5, 6, 7, 8])
        #expect(temporary.failures.errors == [.full])
    }

    @Test func aFullFileRefusesAndWorksAfterwards() async throws {
        let database = try temporary.open { $0.maxPages = 30 }
        try await Self.table(database)
        var kept: [Int64] = []
        do throws(StorageError) {
            for id in Int64(0)..<100 {
                try await Self.insert(id, bytes: 10_000, database)
                kept.append(id)
            }
        } catch {
            #expect(error == .full)
        }
        #expect(kept.count > 3 && kept.count < 15)
        // Small ones that still fit are kept although a large one beside them is not.
        let failures = await Self.together(database, 3) { index in
            try await Self.insert(200 + index, bytes: index == 1 ? 1_000_000 : 10, database)
        }
        #expect(failures == [nil, StorageError.full, nil])
        #expect(try await Self.ids(database) == kept + [200, 202])
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute("DELETE FROM t WHERE id < 100")
        }
        try await Self.insert(300, bytes: 20_000, database)
        #expect(try await database.integrity() == ["ok"])
        #expect(temporary.failures.errors == [.full, .full])
    }

    @Test func aLockedDatabaseIsBusyAndWorksAfterwards() async throws {
        let database = try temporary.open { $0.busyMilliseconds = 20 }
        try await Self.table(database)
        let other = try temporary.open()
        let gate = Gate()
        let holder = Task { try await other.write { (_) throws(StorageError) in gate.passThrough() } }
        await gate.someoneWaits()
        await #expect(throws: StorageError.busy) { try await Self.insert(1, database) }
        #expect(try await Self.ids(database) == [])
        gate.open()
        try await holder.value
        try await Self.insert(2, database)
        #expect(try await Self.ids(other) == [2])
        #expect(temporary.failures.errors == [.busy])
    }

    /// The other one stands in the turnstile, so the lock that is free is not ours to take.
    @Test func whoWaitedFirstWritesFirst() async throws {
        let database = try temporary.open { $0.busyMilliseconds = 20 }
        try await Self.table(database)
        let first = try WriterLock(path: temporary.path)
        #expect(first.enter(BusyHandler(milliseconds: 0)))
        await #expect(throws: StorageError.busy) { try await Self.insert(1, database) }
        first.leave()
        try await Self.insert(2, database)
        #expect(try await Self.ids(database) == [2])
        #expect(first.enter(BusyHandler(milliseconds: 0)), "a turn that was used is given back")
    }

    @Test func theQueueHasABound() async throws {
        let database = try temporary.open { $0.queueBound = 5 }
        try await Self.table(database)
        let gate = Gate()
        let holder = Task { try await database.write { (_) throws(StorageError) in gate.passThrough() } }
        await gate.someoneWaits()
        let waiting = (Int64(0)..<5).map { id in Task { try await Self.insert(id, database) } }
        await database.waits(for: 5)
        await #expect(throws: StorageError.busy) { try await Self.insert(9, database) }
        #expect(try await Self.ids(database) == [], "reading goes on")
        gate.open()
        try await holder.value
        for task in waiting { try await task.value }
        try await Self.insert(10, database)
        #expect(try await Self.ids(database) == [0, 1, 2, 3, 4, 10])
    }

    @Test func aCancelledTaskStillLearnsTheOutcome() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        let gate = Gate()
        let holder = Task { try await database.write { (_) throws(StorageError) in gate.passThrough() } }
        await gate.someoneWaits()
        let task = Task { try await Self.insert(1, database) }
        await database.waits(for: 1)
        task.cancel()
        gate.open()
        try await task.value
        try await holder.value
        #expect(try await Self.ids(database) == [1])
    }

    @Test func closingFinishesWhatWaits() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        let gate = Gate()
        let holder = Task { try await database.write { (_) throws(StorageError) in gate.passThrough() } }
        await gate.someoneWaits()
        let task = Task { try await Self.insert(1, database) }
        await database.waits(for: 1)
        gate.open()
        database.close()
        try await task.value
        try await holder.value
        await #expect(throws: StorageError.unavailable("the database is closed")) { try await Self.insert(2, database) }
        #expect(try await Self.ids(try temporary.open()) == [1])
    }

    @Test func aReaderCannotWrite() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        await #expect(throws: StorageError.self) {
            try await database.read { (connection) throws(StorageError) -> Void in try connection.execute("DELETE FROM t") }
        }
    }

    @Test func durableWritesSyncTheLog() async throws {
        let database = try temporary.open()
        let level: @Sendable (any SQLConnection) throws(StorageError) -> Int64? = { (connection) throws(StorageError) in
            try connection.first("PRAGMA synchronous") { (row) throws(StorageError) in try row.integer(0) }
        }
        #expect(try await database.write(.ordinary, level) == 1)
        #expect(try await database.write(.durable, level) == 2)
        #expect(try await database.write(.ordinary, level) == 1)
    }

    @Test func aDirectoryThatIsNotThereIsUnavailable() throws {
        #expect(throws: StorageError.unavailable("/nonexistent/x.db: No such file or directory")) {
            try SQLiteDatabase(path: "/nonexistent/x.db") { _, _ in }
        }
    }

    @Test func aFileThatIsNoDatabaseIsCorrupt() throws {
        try temporary.writeFile([UInt8](repeating: 65, count: 5000))
        #expect { try temporary.open() } throws: {
            if case .corrupt = $0 as? StorageError { true } else { false }
        }
        #expect(temporary.failures.errors.count == 1)
    }

    @Test func aQueryMayRunWithinItself() async throws {
        let database = try temporary.open()
        try await Self.table(database)
        for id in Int64(0)..<3 { try await Self.insert(id, database) }
        let pairs = try await database.read { (connection) throws(StorageError) in
            try connection.all("SELECT id FROM t") { (_) throws(StorageError) in
                try connection.all("SELECT id FROM t") { (row) throws(StorageError) in try row.integer(0) }
            }
        }
        #expect(pairs == Array(repeating: [0, 1, 2], count: 3))
    }

    @Test func aColumnOfAnotherKindIsAnErrorAndNotACrash() throws {
        let row = SQLRow([.text("a"), .null, .integer(3), .bytes([1]), .real(0.5)])
        #expect(throws: StorageError.self) { try row.integer(0) }
        #expect(throws: StorageError.self) { try row.text(1) }
        #expect(throws: StorageError.self) { try row.bytes(2) }
        #expect(throws: StorageError.self) { try row.text(3) }
        #expect(throws: StorageError.self) { try row.integer(4) }
        #expect(throws: StorageError.self) { try row.text(5) }
        #expect(throws: StorageError.self) { try row.text(-1) }
        #expect(try row.optionalText(1) == nil)
    }
}
