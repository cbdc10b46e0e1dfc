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
    private static let most = 4096
    private static let mostBytes = 8 << 20

    private var loans = WaitingLine<InFlight>()
    private var count = 0
    private var byteCount = 0

    nonisolated init() {}

    var isEmpty: Bool { count == 0 }
    var hasRoom: Bool { count < Self.most && byteCount < Self.mostBytes }

    /// Tickets grow.
    mutating func add(_ ticket: UInt64, _ bytes: [UInt8], _ ackHold: AckHold, since: Int64) {
        if loans.count >= 2 * Self.most { leaveOutWhatIsBack() }
        loans.append(InFlight(ticket: ticket, since: since, bytes: bytes, ackHold: ackHold))
        count += 1
        byteCount += bytes.count
    }

    /// The ticket is back. False if it is none of these.
    mutating func end(_ ticket: UInt64) -> Bool {
        guard let place = position(of: ticket), loans[place].ackHold != nil else { return false }
        count -= 1
        byteCount -= loans[place].bytes.count
        // One that is not the first stays in line for a while; its sender must not wait for that.
        loans[place].ackHold = nil
        loans[place].bytes = []
        if place == 0 { loans.removeFirst(loans.elements.prefix { $0.ackHold == nil }.count) }
        return true
    }

    /// None of them will come back.
    mutating func takeAll() -> [InFlight] {
        defer { self = Self() }
        return loans.elements.filter { $0.ackHold != nil }
    }

    private mutating func leaveOutWhatIsBack() {
        var left = WaitingLine<InFlight>()
        for loan in loans.elements where loan.ackHold != nil { left.append(loan) }
        loans = left
    }

    private func position(of ticket: UInt64) -> Int? {
        var (low, high) = (0, loans.count)
        while low < high {
            let middle = (low + high) / 2
            if loans[middle].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        return low < loans.count && loans[low].ticket == ticket ? low : nil
    }
}
