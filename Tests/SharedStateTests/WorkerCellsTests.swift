import Testing

@testable import SharedState

@Suite(.timeLimit(.minutes(5))) struct WorkerCellsTests {
    @Test func othersReadWhatAWorkerWrites() throws {
        let segment = try smallSegment()
        let worker = WorkerCells(segment).writer(2)
        let cells = WorkerCells(try secondMapping(of: segment))
        #expect(cells.status(2).pid == 0)
        worker.begin(pid: 4711, incarnation: 3, started: 1_700_000_000, now: 50)
        worker.beat(99)
        #expect(
            cells.status(2) == WorkerStatus(pid: 4711, incarnation: 3, started: 1_700_000_000, heartbeat: 99))
        for metric in Metric.allCases { worker.add(metric, metric.rawValue + 1) }
        for metric in Metric.allCases { #expect(cells.read(2, metric) == Int64(metric.rawValue + 1)) }
        #expect(cells.status(2).heartbeat == 99 && cells.status(1).pid == 0)
        for metric in Metric.allCases { #expect(cells.read(1, metric) == 0 && cells.read(3, metric) == 0) }
    }

    @Test func aWorkerSaysWhoDoesNotGetOn() throws {
        let cells = WorkerCells(try smallSegment())
        let worker = cells.writer(0)
        #expect(cells.status(0).stall == nil)
        for stall in [WorkerStall(slot: 0, milliseconds: 1), WorkerStall(slot: 127, milliseconds: 86_400_000)] {
            worker.report(stall)
            #expect(cells.status(0).stall == stall)
        }
        worker.report(nil)
        #expect(cells.status(0).stall == nil)
        worker.report(WorkerStall(slot: 1, milliseconds: 5))
        cells.resetGauges(0)
        #expect(cells.status(0).stall == nil)
    }

    @Test func totalsAddUpAndPeaksDoNot() throws {
        let cells = WorkerCells(try smallSegment())
        for slot in cells.slots {
            cells.writer(slot).add(.bytesReceived, 1000)
            cells.writer(slot).add(.sessions, slot)
            cells.writer(slot).raise(.loopLag, to: 10 * slot)
            cells.writer(slot).raise(.loopLag, to: 3)
        }
        #expect(cells.total(.bytesReceived) == 4000)
        #expect(cells.total(.sessions) == 6)
        #expect(cells.total(.loopLag) == 30)
    }

    @Test func countersSurviveTheWorkerAndGaugesDoNot() throws {
        let cells = WorkerCells(try smallSegment())
        let worker = cells.writer(1)
        worker.begin(pid: 1, incarnation: 1, started: 1, now: 1)
        for metric in Metric.allCases { worker.set(metric, 7) }
        cells.resetGauges(1)
        #expect(cells.status(1).pid == 0)
        for metric in Metric.allCases { #expect(cells.read(1, metric) == (metric.kind == .counter ? 7 : 0)) }
        worker.begin(pid: 2, incarnation: 2, started: 2, now: 2)
        worker.add(.stanzasSent)
        #expect(cells.read(1, .stanzasSent) == 8)
    }

    @Test func overflowOfACounterDoesNotTrap() throws {
        let worker = WorkerCells(try smallSegment()).writer(0)
        worker.set(.bytesSent, .max)
        worker.add(.bytesSent)
    }

    /// Prometheus: names are unique, counters end in _total, units are spelled out.
    @Test func metricsAreNamedAsPrometheusWants() {
        #expect(Set(Metric.allCases.map(\.name)).count == Metric.allCases.count)
        #expect(Metric.allCases.map(\.rawValue) == Array(0..<Metric.allCases.count))
        for metric in Metric.allCases {
            #expect(metric.name.hasPrefix("xmppd_"))
            #expect(metric.name.allSatisfy { $0 == "_" || $0.isLowercase })
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter))
            #expect(metric.help.hasSuffix(".") && metric.help.split(separator: " ").count >= 3)
        }
    }
}
