import Testing

/// The harness must see what it looks for: each row is a history with one fault, or with none.
@Suite("The ledger of the endurance harness", .timeLimit(.minutes(5)))
struct EnduranceLedgerTests {
    typealias Copy = EnduranceLedger.Copy

    struct Row: CustomTestStringConvertible {
        let testDescription: String
        /// Numbers that were acknowledged to the sender, of three messages 0, 1, 2 sent in session 1.
        var acknowledged = [0, 1, 2]
        /// Numbers that were sent again in session 2.
        var again: [Int] = []
        /// What came in, as number, the sender's session, the receiver's session.
        var arrivals: [(Int, Int, Int)] = [(0, 1, 1), (1, 1, 1), (2, 1, 1)]
        var receivers: [(Int, Int)] = [(0, 1), (1, 1), (2, 1)]
        var senders: [(Int, Int)] = [(0, 1), (1, 1), (2, 1)]
        /// When the receiver lost a session; the messages were sent at 0, 100 and 200 s.
        var losses: [Int64] = []
        var faults: [EnduranceLedger.Fault] = []
    }

    static let rows = [
        Row(testDescription: "all is well"),
        Row(
            testDescription: "not acknowledged, not there", acknowledged: [0, 1], arrivals: [(0, 1, 1), (1, 1, 1)],
            receivers: [(0, 1), (1, 1)], senders: [(0, 1), (1, 1)]),
        Row(
            testDescription: "nowhere", arrivals: [(0, 1, 1), (2, 1, 1)], receivers: [(0, 1), (2, 1)],
            faults: [.lost, .notInReceiversArchive]),
        Row(
            testDescription: "received, but not stored", receivers: [(0, 1), (1, 1)], senders: [(0, 1), (2, 1)],
            faults: [.notInSendersArchive, .notInReceiversArchive]),
        Row(testDescription: "stored, though nobody was away", arrivals: [(0, 1, 1), (2, 1, 1)], faults: [.onlyStored]),
        Row(
            testDescription: "stored while the receiver lost its session", arrivals: [(0, 1, 1), (2, 1, 2)],
            losses: [101_000]),
        Row(testDescription: "received twice", arrivals: [(0, 1, 1), (1, 1, 1), (2, 1, 1), (1, 1, 1)], faults: [.duplicate]),
        Row(
            testDescription: "received in the session that was lost, and in the next",
            arrivals: [(0, 1, 1), (1, 1, 1), (1, 1, 2), (2, 1, 2)], losses: [101_000]),
        Row(
            testDescription: "sent again by a sender who lost its session", again: [1, 2],
            arrivals: [(0, 1, 1), (1, 1, 1), (1, 2, 1), (2, 2, 1)], receivers: [(0, 1), (1, 1), (1, 2), (2, 2)],
            senders: [(0, 1), (1, 1), (1, 2), (2, 2)]),
        Row(
            testDescription: "sent again once and received twice", again: [2],
            arrivals: [(0, 1, 1), (1, 1, 1), (2, 2, 1), (2, 2, 1)], receivers: [(0, 1), (1, 1), (2, 2)], faults: [.duplicate]),
        Row(testDescription: "out of order", arrivals: [(0, 1, 1), (2, 1, 1), (1, 1, 1)], faults: [.reordered]),
        Row(
            testDescription: "the next session's first", again: [2],
            arrivals: [(0, 1, 1), (2, 2, 1), (1, 1, 1)], receivers: [(0, 1), (1, 1), (2, 2)], faults: [.reordered]),
        Row(testDescription: "stored twice", receivers: [(0, 1), (1, 1), (1, 1), (2, 1)], faults: [.storedTwice]),
        Row(testDescription: "stored out of order", senders: [(1, 1), (0, 1), (2, 1)], faults: [.storedOutOfOrder]),
    ]

    @Test("finds what is wrong, and nothing else", arguments: rows)
    func finds(_ row: Row) {
        var ledger = EnduranceLedger(clients: 2)
        for number in 0..<3 { ledger.sends(0, number: number, session: 1, at: Int64(number) * 100_000) }
        for number in row.again { ledger.sends(0, number: number, session: 2, at: 300_000) }
        for number in row.acknowledged { ledger.acknowledges(0, number: number, at: Int64(number) * 100_000 + 10) }
        for (number, session, receivers) in row.arrivals {
            ledger.receives(0, Copy(number: number, session: session), session: receivers, at: 0)
        }
        for (number, session) in row.receivers { ledger.finds(0, Copy(number: number, session: session), inArchiveOf: 1) }
        for (number, session) in row.senders { ledger.finds(0, Copy(number: number, session: session), inArchiveOf: 0) }
        let found = ledger.findings(losses: [[], row.losses])
        #expect(Set(found.map(\.fault)) == Set(row.faults), "\(found)")
    }
}
