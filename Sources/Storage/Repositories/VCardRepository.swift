/// The vCards of users (XEP-0054) and the hashes of their photos (XEP-0153).
public struct VCardRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    public struct VCard: Sendable, Equatable {
        public let xml: [UInt8]
        /// SHA-1 of the photo in lower-case hexadecimal digits; nil without a photo.
        public let photoHash: String?

        public init(xml: [UInt8], photoHash: String?) {
            self.xml = xml
            self.photoHash = photoHash
        }
    }

    public nonisolated(nonsending) func get(_ key: UserKey) async throws(StorageError) -> VCard? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT xml, photo_hash FROM vcard WHERE domain = ? AND username = ?", key.domainValue, key.userValue
            ) { (row) throws(StorageError) in VCard(xml: try row.bytes(0), photoHash: try row.optionalText(1)) }
        }
    }

    /// Only the hash, which every presence asks for: the card with its photo is not read. Nil without a photo or a card.
    public nonisolated(nonsending) func photoHash(_ key: UserKey) async throws(StorageError) -> String? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT photo_hash FROM vcard WHERE domain = ? AND username = ?", key.domainValue, key.userValue
            ) { (row) throws(StorageError) in try row.optionalText(0) } ?? nil
        }
    }

    public nonisolated(nonsending) func set(_ key: UserKey, _ card: VCard) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute(
                """
                INSERT INTO vcard (domain, username, photo_hash, xml) VALUES (?, ?, ?, ?)
                ON CONFLICT (domain, username) DO UPDATE SET photo_hash = excluded.photo_hash, xml = excluded.xml
                """, key.domainValue, key.userValue, .text(card.photoHash), .bytes(card.xml))
        }
    }

    /// False if there was none.
    public nonisolated(nonsending) func remove(_ key: UserKey) async throws(StorageError) -> Bool {
        try await database.write { (connection) throws(StorageError) in
            try connection.execute("DELETE FROM vcard WHERE domain = ? AND username = ?", key.domainValue, key.userValue) > 0
        }
    }
}

extension SchemaMigration {
    static let vCards = SchemaMigration(5) { dialect in
        [
            """
            CREATE TABLE vcard (
                domain TEXT NOT NULL, username TEXT NOT NULL, photo_hash TEXT, xml \(dialect.bytes) NOT NULL,
                PRIMARY KEY (domain, username)
            )
            """
        ]
    }
}
