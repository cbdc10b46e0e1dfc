internal import Network
internal import Streams

/// The messages of one client that it has not acknowledged and that delay their senders' acknowledgements, in order; before
/// them those that were stored since, because the client took its time. Numbers are the counts of stream management, and
/// wrap with them.
@LoopActor
struct UnackedMessages {
    struct Message {
        let number: UInt32
        let bytes: [UInt8]
        /// When it was sent, in milliseconds of `Loop.now`.
        let since: Int64
        /// Nil once it is stored.
        var ackHold: AckHold?
        /// The number under which it is stored; 0 if it is not.
        var row: Int64
    }

    /// The first `storedCount` are stored, the next `storingCount` are being stored, the others wait.
    private var messages = WaitingLine<Message>()
    private var storedCount = 0
    private var storingCount = 0
    private var rows: Set<Int64> = []

    nonisolated init() {}

    var isEmpty: Bool { messages.isEmpty }
    var waitingCount: Int { messages.count - storedCount - storingCount }
    var stored: ArraySlice<Message> { all.prefix(storedCount) }
    var storing: ArraySlice<Message> { all.dropFirst(storedCount).prefix(storingCount) }
    var waiting: ArraySlice<Message> { all.dropFirst(storedCount + storingCount) }
    var all: ArraySlice<Message> { messages.elements }

    func has(row: Int64) -> Bool { rows.contains(row) }

    mutating func add(_ number: UInt32, _ bytes: [UInt8], since: Int64, _ ackHold: AckHold) {
        messages.append(Message(number: number, bytes: bytes, since: since, ackHold: ackHold, row: 0))
    }

    /// Adds a message that is stored already. None may be added after one that is not.
    mutating func add(_ number: UInt32, _ bytes: [UInt8], since: Int64, row: Int64) {
        messages.append(Message(number: number, bytes: bytes, since: since, ackHold: nil, row: row))
        rows.insert(row)
        storedCount += 1
    }

    /// Removes the messages up to this number, which the client has.
    /// - Returns: their rows, which are not needed any more.
    mutating func acknowledge(_ number: UInt32) -> [Int64] {
        var forgotten: [Int64] = []
        var arrived = 0
        while arrived < messages.count, number &- messages[arrived].number <= UInt32.max / 2 {
            let (place, row) = (arrived, messages[arrived].row)
            arrived += 1
            if row != 0 {
                forgotten.append(row)
                rows.remove(row)
            }
            // The line frees its memory later; the hold must not wait for that.
            messages[place].ackHold = nil
            if storedCount > 0 { storedCount -= 1 } else if storingCount > 0 { storingCount -= 1 }
        }
        messages.removeFirst(arrived)
        return forgotten
    }

    /// Those that were sent before a moment are being stored from now on; none may be yet.
    /// - Parameters:
    ///   - most: so many of them at most.
    ///   - mostBytes: so many bytes of them at most; a larger one is stored alone.
    mutating func beginStoring(sentBefore moment: Int64, most: Int, mostBytes: Int) -> [Message] {
        var size = 0
        let due = waiting.prefix(most).prefix {
            let isFirst = size == 0
            size += $0.bytes.count
            return $0.since <= moment && (isFirst || size <= mostBytes)
        }
        storingCount = due.count
        return Array(due)
    }

    /// Marks the messages that were being stored as stored under these rows.
    /// - Returns: the rows of those that the client has acknowledged meanwhile.
    mutating func endStoring(_ stored: [(number: UInt32, row: Int64)]) -> [Int64] {
        var arrived: [Int64] = []
        var place = storedCount
        let end = place + storingCount
        for (number, row) in stored {
            guard place < end, messages[place].number == number else {
                arrived.append(row)
                continue
            }
            messages[place].row = row
            messages[place].ackHold = nil
            rows.insert(row)
            place += 1
        }
        storedCount += storingCount
        storingCount = 0
        return arrived
    }

    /// Lets the messages that could not be stored wait as before.
    mutating func giveUpStoring() { storingCount = 0 }

    /// Releases the holds of the messages that wait: no store takes them.
    mutating func dropWaiting() { messages.removeLast(waitingCount) }
}
