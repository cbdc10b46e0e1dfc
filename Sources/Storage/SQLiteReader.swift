/// Runs the reads that gathered on one snapshot. A failing read does not concern its neighbours.
final class SQLiteReader: Sendable {
    private let connection: SQLiteConnection

    init(_ connection: SQLiteConnection) { self.connection = connection }

    /// Runs the reads. Afterwards each holds its result; none has been answered.
    func run(_ reads: [any PendingWork]) {
        if let error = connection.failure(of: "BEGIN") {
            for read in reads { read.fail(error) }
            return
        }
        for read in reads { _ = read.attempt(connection) }
        // Nothing was changed that could be lost; only the snapshot must not stay.
        if connection.failure(of: "COMMIT") != nil, connection.isInTransaction { _ = connection.failure(of: "ROLLBACK") }
    }
}
