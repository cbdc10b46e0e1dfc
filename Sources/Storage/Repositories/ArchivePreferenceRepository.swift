/// Which messages users want archived (XEP-0441).
public struct ArchivePreferenceRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    public struct Preferences: Sendable, Equatable {
        /// What holds for addresses in neither list: a word of the protocol.
        public var standard: String
        public var always: [String]
        public var never: [String]

        public init(standard: String, always: [String] = [], never: [String] = []) {
            self.standard = standard
            self.always = always
            self.never = never
        }
    }

    /// Nil for a user who has said nothing.
    public nonisolated(nonsending) func get(_ key: UserKey) async throws(StorageError) -> Preferences? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT standard, always, never FROM archive_preference WHERE domain = ? AND username = ?",
                key.domainValue, key.userValue
            ) { (row) throws(StorageError) in
                Preferences(
                    standard: try row.text(0), always: Self.addresses(try row.text(1)), never: Self.addresses(try row.text(2)))
            }
        }
    }

    public nonisolated(nonsending) func set(_ key: UserKey, _ preferences: Preferences) async throws(StorageError) {
        try await database.write { (connection) throws(StorageError) -> Void in
            try connection.execute(
                """
                INSERT INTO archive_preference (domain, username, standard, always, never) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (domain, username) DO UPDATE SET
                    standard = excluded.standard, always = excluded.always, never = excluded.never
                """,
                key.domainValue, key.userValue, .text(preferences.standard),
                .text(preferences.always.joined(separator: "\n")), .text(preferences.never.joined(separator: "\n")))
        }
    }

    /// Addresses have no line feeds (RFC 7622 §3).
    private static func addresses(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }
}
