internal import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Synchronization
internal import Telemetry

/// How often storage has failed; counted on its threads.
final class FailureCount: Sendable {
    private let count = Atomic<Int>(0)

    var current: Int { count.load(ordering: .relaxed) }

    func add() { count.add(1, ordering: .relaxed) }
}

/// What this worker does, as it tells it in its cell: what is counted where it happens is added up there once a second.
@LoopActor
struct WorkerActivity {
    /// Milliseconds that a session may be on its way to another worker; beyond, that is logged once.
    private static let migrationPatienceMilliseconds: Int64 = 30_000
    /// Milliseconds after which a session that is still on its way counts as work of this worker that does not get on, and the
    /// master's watchdog begins to count.
    private static let migrationLimit: Int64 = 60_000

    private let failures: FailureCount
    private var stanzas = Server.Counters()
    private var network = NetworkCounters.current
    private var transactions = 0
    private var failed = 0
    private var hasReportedMigration = false

    init(_ failures: FailureCount) { self.failures = failures }

    /// Nobody has been served yet: what was counted until now is not told.
    mutating func begin() { network = NetworkCounters.current }

    mutating func count(_ now: Server.Counters, _ storage: SQLiteStatistics, in cell: WorkerCell) {
        cell.add(.stanzasReceived, Int(now.stanzasIn - stanzas.stanzasIn))
        cell.add(.stanzasSent, Int(now.stanzasOut - stanzas.stanzasOut))
        cell.add(.messagesDelivered, Int(now.messagesDelivered - stanzas.messagesDelivered))
        cell.add(.messagesStoredOffline, Int(now.messagesStoredOffline - stanzas.messagesStoredOffline))
        cell.add(.stanzasBounced, Int(now.stanzasBounced - stanzas.stanzasBounced))
        cell.add(.slowReadersClosed, Int(now.slowReadersClosed - stanzas.slowReadersClosed))
        cell.add(.registrations, Int(now.registrations - stanzas.registrations))
        stanzas = now
        let network = NetworkCounters.current
        cell.add(.bytesReceived, Int(network.bytesIn - self.network.bytesIn))
        cell.add(.bytesSent, Int(network.bytesOut - self.network.bytesOut))
        cell.add(.tlsHandshakes, Int(network.handshakes - self.network.handshakes))
        cell.add(.hibernations, Int(network.hibernated - self.network.hibernated))
        cell.add(.tlsFailures, Int(network.handshakesFailed - self.network.handshakesFailed))
        cell.add(.loopTurns, Int(network.turns - self.network.turns))
        cell.add(.longTurns, Int(network.longTurns) - Int(self.network.longTurns))
        cell.raise(.longestTurn, to: Int(network.longestTurn))
        self.network = network
        let failures = failures.current
        cell.add(.storageTransactions, storage.transactions - transactions)
        cell.add(.storageFailures, failures - failed)
        (transactions, failed) = (storage.transactions, failures)
    }

    /// Tells of sessions on their way to another worker, which should not be so for long.
    /// - Returns: for how many milliseconds that has been longer than it can be.
    mutating func moving(_ count: Int, since: Int64?, in cell: WorkerCell, _ now: Int64) -> Int64 {
        let age = since.map { max(0, now - $0) } ?? 0
        cell.set(.outgoingMigrations, count)
        cell.set(.oldestMigration, Int(age))
        if age > Self.migrationPatienceMilliseconds, !hasReportedMigration {
            Log.notice(
                "sessions do not arrive at another worker", [Field("sessions", count), Field("lasts_ms", age)])
        }
        hasReportedMigration = age > Self.migrationPatienceMilliseconds
        return max(0, age - Self.migrationLimit)
    }

    /// A turn that took so many microseconds, in which nobody else was served, with the stanza that it took up last.
    static func logTurn(_ microseconds: Int64, of server: Server) {
        let stanza = server.currentStanzaSummary
        Log.notice(
            "a turn of the loop took long, everybody else waited",
            [Field("duration_ms", microseconds / 1000), Field("stanza", stanza?.summary ?? "none")]
                + (stanza?.session.map { [Field("session", $0)] } ?? []))
    }
}
