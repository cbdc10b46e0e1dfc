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

        /// What it counts for.
        var size: Int { namespace.utf8.count + name.utf8.count + xml.count }
    }

    public enum Outcome: Sendable, Equatable {
        case stored
        /// The user keeps as many elements as `maxElements` allows, or as many bytes as `maxBytes`; nothing was changed.
        case full
    }

    /// Elements that one user may keep; one more is `full`.
    public static let maxElements = 1000
    /// Bytes of all elements of one user together, names included; a change that ends above it is `full` unless it leaves fewer
    /// than there were.
    public static let maxBytes = 4 << 20

    /// Keeps the elements, each in place of an earlier one of its name; all or none.
    public nonisolated(nonsending) func set(
        _ key: UserKey, _ elements: [Element], maxElements: Int = Self.maxElements, maxBytes: Int = Self.maxBytes
    ) async throws(StorageError) -> Outcome {
        let fits = try await database.write { (connection) throws(StorageError) -> Bool in
            let kept = try Self.sizes(key, connection)
            let sizes = kept.merging(elements.map { ([$0.namespace, $0.name], $0.size) }) { $1 }
            if sizes.count > max(maxElements, kept.count) { return false }
            let bytesBefore = kept.values.reduce(0, +)
            if sizes.values.reduce(0, +) > max(maxBytes, bytesBefore) { return false }
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

    /// What each element counts for, by namespace and name.
    private static func sizes(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> [[String]: Int] {
        var sizes: [[String]: Int] = [:]
        try connection.run(
            "SELECT namespace, name, LENGTH(xml) FROM private_element WHERE domain = ? AND username = ?",
            [key.domainValue, key.userValue]
        ) { (row) throws(StorageError) in
            let (namespace, name) = (try row.text(0), try row.text(1))
            sizes[[namespace, name]] = namespace.utf8.count + name.utf8.count + Int(try row.integer(2))
        }
        return sizes
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
