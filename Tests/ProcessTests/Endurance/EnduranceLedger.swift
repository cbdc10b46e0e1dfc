import TestKit

/// What became of each message that clients sent each other, and what of it should not have.
///
/// A *direction* is all that one client sends to its peer; its messages are numbered from 0. The number of a client is
/// that of the direction it sends in, and its peer's differs in the last bit. Each message says in which *session* of
/// its sender it was sent: a message that is sent again after a resumption is the same one, a message that is sent again
/// in a new session, because nobody knows what became of it, is another *copy* with the same id.
struct EnduranceLedger {
    /// One copy of a message, as it was received or found in an archive.
    struct Copy: Hashable {
        let number: Int
        /// The sender's, counted from 1.
        let session: Int
    }

    /// A copy that came in on a stream.
    struct Arrival {
        let at: Int64
        let copy: Copy
        /// The receiver's, counted from 1.
        let session: Int
        /// It waited in offline storage, and says so.
        let isDelayed: Bool
    }

    struct Message {
        /// When it was sent first.
        let sentAt: Int64
        /// The sender's sessions that sent it.
        var sessions: [Int] = []
        var acknowledgedAt: Int64?
        /// When the receiver first found it in the archive, after it had lost a session.
        var caughtUpAt: Int64?
    }

    struct Direction {
        /// Its messages are for the receiver's full address, not for the account.
        var isToSession = false
        var messages: [Message] = []
        var arrivals: [Arrival] = []
        /// What the archives hold in the end, in their order.
        var receiversArchive: [Copy] = []
        var sendersArchive: [Copy] = []
    }

    /// Something that must not happen.
    enum Fault: String, CaseIterable {
        /// Acknowledged to the sender, not received, and not in the receiver's archive.
        case lost = "acknowledged and lost"
        case notInReceiversArchive = "acknowledged and not in the receiver's archive"
        case notInSendersArchive = "acknowledged and not in the sender's archive"
        /// The same copy came twice to one of the receiver's sessions, resumed or not.
        case duplicate = "received twice"
        /// The same copy is twice in one archive.
        case storedTwice = "stored twice"
        /// It came after a later one of its direction, to one of the receiver's sessions. What has waited in offline storage
        /// comes with the session's first presence, and so after what was sent to the session itself before that.
        case reordered = "received out of order"
        case storedOutOfOrder = "stored out of order"
        /// Acknowledged, and only in the archive, though neither side lost a session at the time.
        case onlyStored = "only stored, though both sessions lived"
    }

    struct Finding {
        let fault: Fault
        let direction: Int
        let number: Int
    }

    var directions: [Direction]

    /// Half of the pairs write to accounts, the others to sessions.
    init(clients: Int) {
        directions = (0..<clients).map { Direction(isToSession: Self.isToSession($0)) }
    }

    static func isToSession(_ direction: Int) -> Bool { direction / 2 % 2 == 1 }

    var sent: Int { directions.reduce(0) { $0 + $1.messages.count } }
    var acknowledged: Int { directions.reduce(0) { $0 + $1.messages.count { $0.acknowledgedAt != nil } } }
    var received: Int { directions.reduce(0) { $0 + Set($1.arrivals.map(\.copy.number)).count } }
    var caughtUp: Int { directions.reduce(0) { $0 + $1.messages.count { $0.caughtUpAt != nil } } }
    /// Messages of which there is more than one copy.
    var sentAnew: Int { directions.reduce(0) { $0 + $1.messages.count { $0.sessions.count > 1 } } }

    // MARK: What happens

    mutating func sends(_ direction: Int, number: Int, session: Int, at moment: Int64) {
        if number == directions[direction].messages.count { directions[direction].messages.append(Message(sentAt: moment)) }
        if directions[direction].messages[number].sessions.last != session {
            directions[direction].messages[number].sessions.append(session)
        }
    }

    mutating func acknowledges(_ direction: Int, number: Int, at moment: Int64) {
        directions[direction].messages[number].acknowledgedAt = moment
    }

    mutating func receives(_ direction: Int, _ copy: Copy, session: Int, isDelayed: Bool = false, at moment: Int64) {
        directions[direction].arrivals.append(Arrival(at: moment, copy: copy, session: session, isDelayed: isDelayed))
    }

    mutating func catchesUp(_ direction: Int, _ copy: Copy, at moment: Int64) {
        guard directions[direction].messages[copy.number].caughtUpAt == nil else { return }
        directions[direction].messages[copy.number].caughtUpAt = moment
    }

    /// Forgets what a client's archive was seen to hold, before it is read anew.
    mutating func beginsArchive(of client: Int) {
        directions[client].sendersArchive = []
        directions[client ^ 1].receiversArchive = []
    }

    mutating func finds(_ direction: Int, _ copy: Copy, inArchiveOf client: Int) {
        if client == direction {
            directions[direction].sendersArchive.append(copy)
        } else {
            directions[direction].receiversArchive.append(copy)
        }
    }

    // MARK: What of it should not be

    /// - Parameter losses: for each client, when it lost sessions. Within `margin` milliseconds of such a moment what was
    ///   under way to it or from it may be in its archive only.
    func findings(losses: [[Int64]], margin: Int64 = 5_000) -> [Finding] {
        directions.indices.flatMap { index in
            faults(directions[index], losses[index] + losses[index ^ 1], margin).map {
                Finding(fault: $0.0, direction: index, number: $0.1)
            }
        }
    }

    private func faults(_ direction: Direction, _ losses: [Int64], _ margin: Int64) -> [(Fault, Int)] {
        let received = Set(direction.arrivals.map(\.copy.number))
        let (there, here) = (Set(direction.receiversArchive.map(\.number)), Set(direction.sendersArchive.map(\.number)))
        var faults: [(Fault, Int)] = []
        for (number, message) in direction.messages.enumerated() {
            guard let acknowledgedAt = message.acknowledgedAt else { continue }
            if !received.contains(number) && !there.contains(number) { faults.append((.lost, number)) }
            if !there.contains(number) { faults.append((.notInReceiversArchive, number)) }
            if !here.contains(number) { faults.append((.notInSendersArchive, number)) }
            let period = message.sentAt - margin...acknowledgedAt + margin
            if !received.contains(number), there.contains(number), !losses.contains(where: period.contains) {
                faults.append((.onlyStored, number))
            }
        }
        for session in Set(direction.arrivals.map(\.session)).sorted() {
            let arrivals = direction.arrivals.filter { $0.session == session }
            faults += repeated(arrivals.map(\.copy)).map { (.duplicate, $0) }
            let parts = direction.isToSession ? [arrivals.filter(\.isDelayed), arrivals.filter { !$0.isDelayed }] : [arrivals]
            for part in parts { faults += late(part.map(\.copy), in: direction).map { (.reordered, $0) } }
        }
        for archive in [direction.receiversArchive, direction.sendersArchive] {
            faults += repeated(archive).map { (.storedTwice, $0) } + late(archive, in: direction).map { (.storedOutOfOrder, $0) }
        }
        return faults
    }

    /// The numbers of copies that are there before.
    private func repeated(_ copies: [Copy]) -> [Int] {
        var seen: Set<Copy> = []
        return copies.filter { !seen.insert($0).inserted }.map(\.number)
    }

    /// The numbers that come after a later one: copies that the sender sent in one session come in their order; and so do
    /// messages of which there is only one copy, whatever session they are of. Of several copies one may come late.
    private func late(_ copies: [Copy], in direction: Direction) -> [Int] {
        var late: [Int] = []
        var seen: Set<Copy> = []
        var highest = -1
        var highestOfSession: [Int: Int] = [:]
        for copy in copies where seen.insert(copy).inserted {
            let isAlone = direction.messages[copy.number].sessions.count == 1
            if copy.number < highestOfSession[copy.session, default: -1] || (isAlone && copy.number < highest) {
                late.append(copy.number)
            }
            highest = max(highest, copy.number)
            highestOfSession[copy.session] = max(highestOfSession[copy.session, default: -1], copy.number)
        }
        return late
    }
}
