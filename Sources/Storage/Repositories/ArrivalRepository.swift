/// What is asked for when a user becomes available, in one read instead of three.
public struct ArrivalRepository: Sendable {
    private let database: any SQLDatabase

    init(_ database: any SQLDatabase) { self.database = database }

    public struct Arrival: Sendable {
        /// The whole roster, as `RosterRepository.items` gives it.
        public let items: [RosterItem]
        /// As `VCardRepository.photoHash` gives it.
        public let photoHash: String?
        /// Whether messages wait for the user.
        public let hasMessages: Bool
    }

    public nonisolated(nonsending) func arrival(_ key: UserKey) async throws(StorageError) -> Arrival {
        try await database.read { (connection) throws(StorageError) in
            let photo = try connection.first(
                "SELECT photo_hash FROM vcard WHERE domain = ? AND username = ?", key.domainValue, key.userValue
            ) { (row) throws(StorageError) in try row.optionalText(0) }
            let message = try connection.first(
                "SELECT 1 FROM offline_message WHERE domain = ? AND username = ? LIMIT 1", key.domainValue, key.userValue
            ) { (_) throws(StorageError) in true }
            return Arrival(
                items: try RosterRows(key: key, connection: connection).items(), photoHash: photo ?? nil,
                hasMessages: message ?? false)
        }
    }
}
