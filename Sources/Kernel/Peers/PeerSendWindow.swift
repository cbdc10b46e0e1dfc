internal import Network
internal import Streams

/// The messages that were sent to one other worker and that it has not confirmed, each under a ticket that it gives back,
/// nearly in the order in which they went.
@LoopActor
struct PeerSendWindow {
    struct InFlight {
        let ticket: UInt64
        /// When the message was sent, in milliseconds of `Loop.now`.
        let since: Int64
        fileprivate(set) var bytes: [UInt8]
        /// Nil once the ticket is confirmed.
        fileprivate(set) var ackHold: AckHold?
    }

    /// Messages, and their bytes, that may be unconfirmed; while there are as many, further senders wait with their inboxes.
    private static let maxMessages = 4096
    private static let maxBytes = 8 << 20

    private var inFlight = WaitingLine<InFlight>()
    private var count = 0
    private var byteCount = 0

    nonisolated init() {}

    var isEmpty: Bool { count == 0 }
    var hasRoom: Bool { count < Self.maxMessages && byteCount < Self.maxBytes }

    /// Adds a message; its ticket is higher than all before.
    mutating func track(_ ticket: UInt64, _ bytes: [UInt8], _ ackHold: AckHold, since: Int64) {
        if inFlight.count >= 2 * Self.maxMessages { compact() }
        inFlight.append(InFlight(ticket: ticket, since: since, bytes: bytes, ackHold: ackHold))
        count += 1
        byteCount += bytes.count
    }

    /// Ends a ticket that was given back.
    /// - Returns: false if it is none of these.
    mutating func confirm(_ ticket: UInt64) -> Bool {
        guard let index = position(of: ticket), inFlight[index].ackHold != nil else { return false }
        count -= 1
        byteCount -= inFlight[index].bytes.count
        // A message that is not the first keeps its place in the line; its hold and its bytes go now.
        inFlight[index].ackHold = nil
        inFlight[index].bytes = []
        if index == 0 { inFlight.removeFirst(inFlight.elements.prefix { $0.ackHold == nil }.count) }
        return true
    }

    /// Removes all messages: none will be confirmed.
    /// - Returns: those that were not.
    mutating func removeAll() -> [InFlight] {
        defer { self = Self() }
        return inFlight.elements.filter { $0.ackHold != nil }
    }

    private mutating func compact() {
        var left = WaitingLine<InFlight>()
        for message in inFlight.elements where message.ackHold != nil { left.append(message) }
        inFlight = left
    }

    private func position(of ticket: UInt64) -> Int? {
        var (low, high) = (0, inFlight.count)
        while low < high {
            let middle = (low + high) / 2
            if inFlight[middle].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        return low < inFlight.count && inFlight[low].ticket == ticket ? low : nil
    }
}
