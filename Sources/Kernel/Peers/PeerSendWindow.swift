internal import Network
internal import Streams

/// Messages that one other worker has and may still lose, each under a ticket that it gives back. They come back nearly
/// in the order in which they went.
@LoopActor
struct PeerSendWindow {
    struct InFlight {
        let ticket: UInt64
        let since: Int64
        fileprivate(set) var bytes: [UInt8]
        /// Nil once the ticket is back.
        fileprivate(set) var ackHold: AckHold?
    }

    /// Messages, and their bytes, that a worker may have; with more, their senders wait.
    private static let maxMessages = 4096
    private static let maxBytes = 8 << 20

    private var inFlight = WaitingLine<InFlight>()
    private var count = 0
    private var byteCount = 0

    nonisolated init() {}

    var isEmpty: Bool { count == 0 }
    var hasRoom: Bool { count < Self.maxMessages && byteCount < Self.maxBytes }

    /// Tickets grow.
    mutating func track(_ ticket: UInt64, _ bytes: [UInt8], _ ackHold: AckHold, since: Int64) {
        if inFlight.count >= 2 * Self.maxMessages { compact() }
        inFlight.append(InFlight(ticket: ticket, since: since, bytes: bytes, ackHold: ackHold))
        count += 1
        byteCount += bytes.count
    }

    /// The ticket is back. False if it is none of these.
    mutating func confirm(_ ticket: UInt64) -> Bool {
        guard let index = position(of: ticket), inFlight[index].ackHold != nil else { return false }
        count -= 1
        byteCount -= inFlight[index].bytes.count
        // One that is not the first stays in line for a while; its sender must not wait for that.
        inFlight[index].ackHold = nil
        inFlight[index].bytes = []
        if index == 0 { inFlight.removeFirst(inFlight.elements.prefix { $0.ackHold == nil }.count) }
        return true
    }

    /// None of them will come back.
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
