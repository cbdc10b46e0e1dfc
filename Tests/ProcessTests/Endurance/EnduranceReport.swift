import TestKit

/// What a run has shown, as a table; and for each fault what happened to the two clients at the time.
struct EnduranceReport {
    let findings: [EnduranceLedger.Finding]
    private let journal: EnduranceJournal

    init(_ journal: EnduranceJournal) {
        self.journal = journal
        findings = journal.findings()
    }

    var text: String {
        ([table, totals] + journal.oddities.filter { !$0.contains("does not know") }.prefix(10).map { "odd: \($0)" }).joined(
            separator: "\n")
    }

    private var table: String {
        let columns: [(String, (EnduranceJournal.Counts) -> String)] = [
            ("times", { "\($0.incidents)" }), ("seconds", { "\($0.milliseconds / 1_000)" }),
            ("refused", { "\($0.refused)" }), ("unserved", { "\($0.unserved)" }), ("disconnected", { "\($0.disconnected)" }),
            ("resumed", { "\($0.resumed)" }), ("lost", { "\($0.lost)" }), ("lost elsewhere", { "\($0.lostElsewhere)" }),
            ("odd", { "\($0.odd)" }),
        ]
        var rows = [["incident"] + columns.map(\.0)]
        for incident in EnduranceIncident.allCases {
            guard let counts = journal.counts[incident] else { continue }
            rows.append([incident.rawValue] + columns.map { $0.1(counts) })
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
        return rows.map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    private var totals: String {
        let ledger = journal.ledger
        var lines = [
            ("messages sent", ledger.sent), ("acknowledged", ledger.acknowledged), ("received", ledger.received),
            ("found in the archive after a loss", ledger.caughtUp), ("sent anew after a loss", ledger.sentAnew),
        ]
        for fault in EnduranceLedger.Fault.allCases { lines.append((fault.rawValue, findings.count { $0.fault == fault })) }
        return lines.map { name, count in "\(String(repeating: " ", count: max(0, 8 - "\(count)".count)))\(count)  \(name)" }
            .joined(separator: "\n")
    }

    /// The histories of the first faults, each with the seconds before and after.
    var histories: String { histories(of: EnduranceLedger.Fault.allCases) }

    /// The same before the archives were read.
    var liveHistories: String { histories(of: [.duplicate, .reordered]) }

    private func histories(of faults: [EnduranceLedger.Fault]) -> String {
        var shown: [EnduranceLedger.Finding] = []
        for fault in faults { shown += findings.filter { $0.fault == fault }.prefix(2) }
        return shown.map(history).joined(separator: "\n\n") + "\n" + journal.oddities.prefix(20).joined(separator: "\n")
    }

    private func history(_ finding: EnduranceLedger.Finding) -> String {
        let (direction, number) = (finding.direction, finding.number)
        let ledger = journal.ledger.directions[direction]
        let moment = ledger.messages[number].sentAt
        var lines: [(at: Int64, what: String)] = []
        for (at, what) in journal.history { lines.append((at, "server: \(what)")) }
        for (at, what) in journal.histories[direction] { lines.append((at, "sender: \(what)")) }
        for (at, what) in journal.histories[direction ^ 1] { lines.append((at, "receiver: \(what)")) }
        for near in max(0, number - 3)...min(number + 3, ledger.messages.count - 1) {
            let message = ledger.messages[near]
            lines.append((message.sentAt, "sender: sends \(near), in its sessions \(message.sessions)"))
            if let at = message.acknowledgedAt { lines.append((at, "sender: \(near) is acknowledged")) }
            if let at = message.caughtUpAt { lines.append((at, "receiver: finds \(near) in its archive")) }
        }
        for arrival in ledger.arrivals where abs(arrival.copy.number - number) <= 3 {
            let how = arrival.isDelayed ? "comes out of storage" : "comes"
            lines.append(
                (
                    arrival.at,
                    "receiver: \(arrival.copy.number) of session \(arrival.copy.session) \(how), in session \(arrival.session)"
                ))
        }
        let window = lines.filter { $0.at > moment - 4_000 && $0.at < moment + 8_000 }.sorted { $0.at < $1.at }
        func stored(_ copies: [EnduranceLedger.Copy]) -> String {
            copies.filter { abs($0.number - number) <= 3 }.map { "\($0.number)/\($0.session)" }.joined(separator: " ")
        }
        return """
            \(finding.fault.rawValue): message \(number) of \(EnduranceLoad.user(direction)) to \(EnduranceLoad.user(direction ^ 1))
            \(window.map { "  \($0.at - moment) ms  \($0.what)" }.joined(separator: "\n"))
              receiver's archive: \(stored(ledger.receiversArchive))
              sender's archive: \(stored(ledger.sendersArchive))
            """
    }
}
