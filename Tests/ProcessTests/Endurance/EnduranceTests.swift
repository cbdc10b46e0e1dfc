import Foundation
import TestKit
import Testing

/// Pairs of clients with stream management write to each other, with the archive on, while the server is reloaded,
/// restarted piece by piece and shot at. What must not happen is counted (`EnduranceLedger.Fault`), and must be nothing.
///
/// The short form is one of the tests. The long form is run by hand: see `EnduranceParameters`.
@Suite("Under load, through reloads, restarts and crashes", .serialized, .timeLimit(.minutes(60)))
struct EnduranceTests {
    @Test("nothing that was acknowledged is lost, and nobody is disconnected who need not be", arguments: [2, 3])
    func endurance(_ workers: Int) throws {
        let parameters = EnduranceParameters(workers)
        print("endurance: \(parameters)")
        let stage = try EnduranceStage(
            workers: workers, pairs: parameters.pairs, messagesPerSecond: parameters.messagesPerSecond, seed: parameters.seed)
        let (loop, load) = (stage.loop, stage.load)
        try loop.sync { load.start() }
        try eventually("all clients to be online", within: 60) { try loop.sync { load.areAllOnline } }
        try loop.sync { load.write() }
        do {
            try stage.settle("the start")
            var chance = SeededChance(state: parameters.seed)
            let deadline = Deadline(seconds: parameters.seconds ?? 0)
            repeat {
                for incident in parameters.incidents.shuffled(using: &chance) { try stage.run(incident) }
            } while !deadline.hasPassed
            try stage.finish()
        } catch {
            let report = try loop.sync { EnduranceReport(load.journal) }
            Issue.record("\(error)\nThe archives were not read.\n\(report.text)\n\(report.liveHistories)")
            return
        }
        let (report, journal) = try loop.sync { (EnduranceReport(load.journal), load.journal) }
        print(report.text)
        let counts = journal.counts
        #expect(report.findings.isEmpty, "\(report.histories)")
        #expect(journal.ledger.sent > 0 && journal.ledger.sent == journal.ledger.acknowledged)
        for incident in [EnduranceIncident.none, .reload, .masterRestart] {
            #expect(counts[incident]?.disconnected ?? 0 == 0, "\(incident)")
        }
        for (incident, counts) in counts {
            #expect(counts.odd == 0 || incident.isDeadly, "\(journal.oddities.prefix(5))")
            #expect(counts.refused == 0, "\(incident)")
            if !incident.isDeadly {
                #expect(counts.lost == 0, "\(incident)")
                #expect(counts.unserved == 0, "\(incident)")
            }
            #expect(counts.lostElsewhere == 0, "\(incident)")
        }
    }
}

/// How long and how hard.
///
/// By hand, for example for half an hour: `XMPPD_ENDURANCE=1800 packaging/dev test --filter EnduranceTests`. Also read are
/// `XMPPD_ENDURANCE_SEED`, `…_PAIRS`, `…_RATE` (messages a second, of all clients together) and `…_INCIDENTS`, such as
/// `kill,kill,reload`, which are repeated in an order of chance until the time is over.
struct EnduranceParameters: CustomStringConvertible {
    /// Nil for the short form: each incident of the list once.
    let seconds: Double?
    let seed: UInt64
    let pairs: Int
    let messagesPerSecond: Int
    let incidents: [EnduranceIncident]
    private let workers: Int

    init(_ workers: Int) {
        let variables = ProcessInfo.processInfo.environment
        func number(_ name: String) -> Int? { variables["XMPPD_ENDURANCE\(name)"].flatMap { Int($0) } }
        self.workers = workers
        seconds = number("").map { Double($0) / 2 }
        seed = number("_SEED").map { UInt64($0) } ?? UInt64.random(in: 1...999_999)
        // Two workers have it all; that it is the same with three needs less.
        let isFull = workers == 2 || seconds != nil
        pairs = number("_PAIRS") ?? (isFull ? 100 : 30)
        messagesPerSecond = number("_RATE") ?? 2 * pairs
        let all: [(EnduranceIncident, Int)] = [(.reload, 20), (.rollingRestart, 5), (.masterRestart, 1), (.cut, 3), (.kill, 10)]
        let chosen = variables["XMPPD_ENDURANCE_INCIDENTS"]?.split(separator: ",").compactMap {
            EnduranceIncident(rawValue: String($0))
        }
        let double: [(EnduranceIncident, Int)] = seconds == nil ? [] : [(.cutWhileRolling, 2), (.killWhileRolling, 2)]
        incidents = chosen ?? (all + double).flatMap { Array(repeating: $0.0, count: isFull ? $0.1 : ($0.1 + 4) / 5) }
    }

    var description: String {
        "\(workers) workers, \(pairs) pairs, \(messagesPerSecond) messages/s, seed \(seed), "
            + (seconds.map { "\(Int($0)) s" } ?? "\(incidents.count) incidents")
    }
}
