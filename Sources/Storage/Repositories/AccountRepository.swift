/// The accounts of all hosts and what their passwords are checked with.
public struct AccountRepository: Sendable {
    private let database: any SQLDatabase

    public init(_ database: any SQLDatabase) { self.database = database }

    public enum Creation: Sendable, Equatable {
        case created, exists
        /// The host has as many accounts as `maxAccounts` allows (`auth.max_users_per_domain`).
        case domainFull
    }

    /// Creates an account, on the disk when this answers. The limit is checked in the same transaction.
    public nonisolated(nonsending) func create(
        _ key: UserKey, _ credentials: StoredCredentials, maxAccounts: Int? = nil
    ) async throws(StorageError) -> Creation {
        let (plain, scram) = try Self.columns(credentials.secret)
        return try await database.write(.durable) { (connection) throws(StorageError) in
            if try Self.exists(key, connection) { return .exists }
            if let maxAccounts, try Self.count(key.domain, connection) >= maxAccounts { return .domainFull }
            try connection.execute(
                "INSERT INTO account (domain, username, plain, scram, created) VALUES (?, ?, ?, ?, ?)",
                key.domainValue, key.userValue, plain, scram, .integer(credentials.createdAt))
            try Self.countOneMore(key.domain, connection)
            return .created
        }
    }

    public nonisolated(nonsending) func exists(_ key: UserKey) async throws(StorageError) -> Bool {
        try await database.read { (connection) throws(StorageError) in try Self.exists(key, connection) }
    }

    /// What the login of a user is checked with, or nil without such an account. Reads one row.
    public nonisolated(nonsending) func credentials(_ key: UserKey) async throws(StorageError) -> StoredCredentials? {
        try await database.read { (connection) throws(StorageError) in
            try connection.first(
                "SELECT plain, scram, created FROM account WHERE domain = ? AND username = ?", key.domainValue, key.userValue
            ) { (row) throws(StorageError) in
                let secret: StoredCredentials.Secret =
                    if let plain = try row.optionalText(0) { .plain(plain) } else {
                        .scram(try ScramColumn.decode(try row.bytes(1)))
                    }
                return StoredCredentials(secret: secret, createdAt: try row.integer(2))
            }
        }
    }

    /// Changes the password, on the disk when this answers. False without such an account.
    public nonisolated(nonsending) func setCredentials(_ key: UserKey, _ secret: StoredCredentials.Secret)
        async throws(StorageError) -> Bool
    {
        let (plain, scram) = try Self.columns(secret)
        return try await database.write(.durable) { (connection) throws(StorageError) in
            try connection.execute(
                "UPDATE account SET plain = ?, scram = ? WHERE domain = ? AND username = ?",
                plain, scram, key.domainValue, key.userValue) > 0
        }
    }

    /// Puts other keys of the same password in the place of these. False, and nothing happens, where they are not kept any more.
    public nonisolated(nonsending) func replaceCredentials(
        _ key: UserKey, _ former: StoredCredentials.Secret, by secret: StoredCredentials.Secret
    ) async throws(StorageError) -> Bool {
        let ((plain, scram), (formerPlain, formerScram)) = (try Self.columns(secret), try Self.columns(former))
        return try await database.write { (connection) throws(StorageError) in
            try connection.execute(
                """
                UPDATE account SET plain = ?, scram = ? WHERE domain = ? AND username = ?
                AND plain IS NOT DISTINCT FROM ? AND scram IS NOT DISTINCT FROM ?
                """, plain, scram, key.domainValue, key.userValue, formerPlain, formerScram) > 0
        }
    }

    /// Removes what is kept for a user without an account. False, and nothing happens, where there is one.
    public nonisolated(nonsending) func forget(_ key: UserKey) async throws(StorageError) -> Bool {
        try await database.write { (connection) throws(StorageError) in
            if try Self.exists(key, connection) { return false }
            try ArchiveRepository.part(key, connection)
            for table in Schema.tablesOfUsers {
                try connection.execute("DELETE FROM \(table) WHERE domain = ? AND username = ?", key.domainValue, key.userValue)
            }
            return true
        }
    }

    /// Removes the account and everything that is kept for its user, on the disk when this answers. False without such an account;
    /// what may be kept for its user is removed all the same.
    public nonisolated(nonsending) func remove(_ key: UserKey) async throws(StorageError) -> Bool {
        try await database.write(.durable) { (connection) throws(StorageError) in
            let existed = try Self.exists(key, connection)
            try ArchiveRepository.part(key, connection)
            for table in Schema.tablesOfUsers {
                try connection.execute("DELETE FROM \(table) WHERE domain = ? AND username = ?", key.domainValue, key.userValue)
            }
            if existed { try Self.countOneLess(key.domain, connection) }
            return existed
        }
    }

    /// User names of a host in order, at most `limit`, those after `after` (exclusive), from the first if it is nil.
    public nonisolated(nonsending) func list(_ domain: String, after: String? = nil, limit: Int) async throws(StorageError)
        -> [String]
    {
        try await database.read { (connection) throws(StorageError) in
            try connection.all(
                "SELECT username FROM account WHERE domain = ? AND username > ? ORDER BY username LIMIT ?",
                .text(domain), .text(after ?? ""), .integer(Int64(limit))
            ) { (row) throws(StorageError) in try row.text(0) }
        }
    }

    /// How many accounts a host has. Kept as a number, so it costs the same for a million.
    public nonisolated(nonsending) func count(_ domain: String) async throws(StorageError) -> Int {
        try await database.read { (connection) throws(StorageError) in try Self.count(domain, connection) }
    }

    private static func exists(_ key: UserKey, _ connection: any SQLConnection) throws(StorageError) -> Bool {
        try connection.first("SELECT 1 FROM account WHERE domain = ? AND username = ?", key.domainValue, key.userValue) {
            (_) throws(StorageError) in true
        } ?? false
    }

    private static func count(_ domain: String, _ connection: any SQLConnection) throws(StorageError) -> Int {
        try connection.first("SELECT accounts FROM account_count WHERE domain = ?", .text(domain)) {
            (row) throws(StorageError) in Int(try row.integer(0))
        } ?? 0
    }

    private static func countOneMore(_ domain: String, _ connection: any SQLConnection) throws(StorageError) {
        try connection.execute(
            """
            INSERT INTO account_count (domain, accounts) VALUES (?, 1)
            ON CONFLICT (domain) DO UPDATE SET accounts = account_count.accounts + 1
            """, .text(domain))
    }

    private static func countOneLess(_ domain: String, _ connection: any SQLConnection) throws(StorageError) {
        try connection.execute("UPDATE account_count SET accounts = accounts - 1 WHERE domain = ?", .text(domain))
    }

    private static func columns(_ secret: StoredCredentials.Secret) throws(StorageError) -> (plain: SQLValue, scram: SQLValue) {
        switch secret {
        case .plain(let password): return (.text(password), .null)
        case .scram(let keys):
            guard let bytes = ScramColumn.encode(keys) else { throw .constraint("SCRAM keys longer than 255 bytes") }
            return (.null, .bytes(bytes))
        }
    }
}

extension SchemaMigration {
    static let accounts = SchemaMigration(1) { dialect in
        [
            """
            CREATE TABLE account (
                domain TEXT NOT NULL, username TEXT NOT NULL, plain TEXT, scram \(dialect.bytes), created BIGINT NOT NULL,
                PRIMARY KEY (domain, username), CHECK ((plain IS NULL) <> (scram IS NULL))
            )
            """,
            "CREATE TABLE account_count (domain TEXT NOT NULL PRIMARY KEY, accounts BIGINT NOT NULL CHECK (accounts >= 0))",
        ]
    }
}
