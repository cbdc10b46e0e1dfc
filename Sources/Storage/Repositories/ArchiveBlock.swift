/// A message of an archive, as it is found.
struct ArchiveEntry: Equatable {
    let id: Int64
    /// Where it lies (`ArchivePlace`).
    let place: Int64
    let peer: Int64
    let isGroupchat: Bool
}

/// Entries of one archive that follow each other: a row of `archive_block`. Blocks of an archive do not overlap.
struct ArchiveBlock {
    let first: Int64
    let entries: [ArchiveEntry]
    let isFull: Bool

    var last: Int64 { entries.last?.id ?? first }

    private static let mostEntries = 64
    /// A longer row of a table that is in the order of its key does not fit into a page of SQLite.
    private static let fullBytes = 800

    init(first: Int64, packed: [UInt8]) throws(StorageError) {
        self.first = first
        entries = try Self.entries(packed)
        isFull = entries.count >= Self.mostEntries || packed.count >= Self.fullBytes
    }

    /// The rows for entries that are in order: full ones, and one for the rest.
    static func rows(_ entries: [ArchiveEntry]) -> [(first: Int64, packed: [UInt8])] {
        var rows: [(first: Int64, packed: [UInt8])] = []
        var at = 0
        while at < entries.count {
            var writer = NumberWriter(reserving: fullBytes + 32)
            let start = at
            var (id, place): (Int64, Int64) = (0, 0)
            while at < entries.count, at - start < mostEntries, writer.bytes.count < fullBytes {
                let entry = entries[at]
                writer.add(entry.id &- id)
                writer.add(from: place, to: entry.place)
                writer.add(entry.peer << 1 | (entry.isGroupchat ? 1 : 0))
                (id, place) = (entry.id, entry.place)
                at += 1
            }
            rows.append((entries[start].id, writer.bytes))
        }
        return rows
    }

    private static func entries(_ packed: [UInt8]) throws(StorageError) -> [ArchiveEntry] {
        var reader = NumberReader(packed)
        var entries: [ArchiveEntry] = []
        entries.reserveCapacity(mostEntries)
        var (id, place): (Int64, Int64) = (0, 0)
        while !reader.isAtEnd {
            id &+= try reader.next()
            place = try reader.next(from: place)
            let peer = try reader.next()
            entries.append(ArchiveEntry(id: id, place: place, peer: peer >> 1, isGroupchat: peer & 1 != 0))
        }
        return entries
    }
}
