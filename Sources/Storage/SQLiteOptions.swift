/// How a process uses the database file. The defaults suit a worker: two connections, two threads, little memory.
public struct SQLiteOptions: Sendable {
    /// Connections, each with a thread, that answer reads while a write runs. At least 1.
    public var readers = 1
    /// The most page cache of one connection that reads, in KiB.
    public var cacheSize = 1024
    /// That of the one that writes. It holds what is indexed together (`ArchiveRepository.index`).
    public var writerCacheSize = 4096
    /// How long a write waits for another process's lock, in milliseconds.
    public var busyMilliseconds = 5000
    /// How many writes, and how many reads, may wait before more are refused with `StorageError.busy`.
    public var queueBound = 10_000
    /// The most writes in one transaction. It bounds how long the other processes wait.
    public var batch = 256
    /// The most pages of 4 KiB that the file may have; nil: as many as the disk holds.
    public var maxPages: Int?

    public init() {}
}

/// What a database has done since it was opened.
public struct SQLiteStatistics: Sendable, Equatable {
    /// Write transactions begun.
    public var transactions = 0
    /// Writes in them.
    public var writes = 0
    /// The most writes in one transaction.
    public var largestBatch = 0
    /// Writes and reads that wait to be run.
    public var waiting = 0
}
