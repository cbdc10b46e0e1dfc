/// What clients keep for themselves on the server (XEP-0049): one element per user, namespace and name.
public struct PrivateStorageRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    /// An element as it is sent, with the name it is kept under.
    public struct Element: Sendable, Equatable {
        public let namespace: String
        public let name: String
        public let xml: [UInt8]

        public init(namespace: String, name: String, xml: [UInt8]) {
            self.namespace = namespace
            self.name = name
            self.xml = xml
        }
    }

    public enum Outcome: Sendable, Equatable {
        case stored
        /// The user keeps as many elements as `maxElements` allows; nothing was changed.
        case full
    }

    /// Keeps the elements, each in place of an earlier one of its name; all or none.
    public nonisolated(nonsending) func set(
        _ key: UserKey, _ elements: [Element], maxElements: Int = 1000
    ) async throws(StorageError) -> Outcome {
        let fits = try await database.write { (connection) throws(StorageError) -> Bool in
            let kept = try Self.names(key, connection)
            let names = kept.union(elements.map { [$0.namespace, $0.name] })
            if names.count > max(maxElements, kept.count) { return false }
            for element in elements {
                try connection.execute(
                    """
                    INSERT INTO private_element (domain, username, namespace, name, xml) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (domain, username, namespace, name) DO UPDATE SET xml = excluded.xml
                    """,
                    key.domainValue, key.userValue, .text(element.namespace), .text(element.name), .bytes(element.xml))
            }
            return true
        }
        return fits ? .stored : .full
    }

    /// The element kept under a name, or nil.
    public nonisolated(nonsending) func get(
        _ key: UserKey, namespace: String, name: String
    ) async throws(StorageError) -> [UInt8]? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT xml FROM private_element WHERE domain = ? AND username = ? AND namespace = ? AND name = ?",
                key.domainValue, key.userValue, .text(namespace), .text(name)
            ) { (row) throws(StorageError) in try row.bytes(0) }
        }
    }

    private static func names(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> Set<[String]> {
        Set(
            try connection.all(
                "SELECT namespace, name FROM private_element WHERE domain = ? AND username = ?", key.domainValue, key.userValue
            ) { (row) throws(StorageError) in [try row.text(0), try row.text(1)] })
    }
}

extension SchemaMigration {
    static let privateStorage = SchemaMigration(4) { dialect in
        [
            """
            CREATE TABLE private_element (
                domain TEXT NOT NULL, username TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
                xml \(dialect.bytes) NOT NULL, PRIMARY KEY (domain, username, namespace, name)
            )
            """
        ]
    }
}
