/// Small values that all processes of a server share and that outlive them, such as secrets of its own making.
public struct ServerValueRepository: Sendable {
    private let database: any SQLDatabase

    init(_ database: any SQLDatabase) { self.database = database }

    /// A secret by its name; the first caller's proposal is kept for ever, on the disk when this answers.
    public nonisolated(nonsending) func secret(
        _ name: String, orElse proposal: [UInt8]
    ) async throws(StorageError) -> [UInt8] {
        try await database.write(.durable) { (connection) throws(StorageError) in
            let known = try connection.first("SELECT contents FROM server_value WHERE name = ?", .text(name)) {
                (row) throws(StorageError) in try row.bytes(0)
            }
            if let known { return known }
            try connection.execute(
                "INSERT INTO server_value (name, contents) VALUES (?, ?)", .text(name), .bytes(proposal))
            return proposal
        }
    }
}

extension SchemaMigration {
    static let serverValues = SchemaMigration(8) { dialect in
        [
            """
            CREATE TABLE server_value (name TEXT NOT NULL PRIMARY KEY, contents \(dialect.bytes) NOT NULL)
            """
        ]
    }
}
