/// The rows of one user's roster inside a transaction.
struct RosterRows {
    let key: UserKey
    let connection: any SQLConnection

    private static let columns =
        "contact, name, in_groups, subscription, pending_out, pending_in, pending_in_stanza, approved, listed"
    /// The same without the bytes of a waiting request.
    private static let columnsOfList =
        "contact, name, in_groups, subscription, pending_out, pending_in, NULL, approved, listed"
    /// Ends each group's name in the column. XML cannot carry this character (XML 1.0 §2.2), so no name contains it.
    private static let groupEnd: Character = "\u{1F}"

    /// Counts visible changes; 0 for a roster that was never changed.
    func version() throws(StorageError) -> Int64 {
        try connection.first(
            "SELECT version FROM roster_version WHERE domain = ? AND username = ?", key.domainValue, key.userValue
        ) { (row) throws(StorageError) in try row.integer(0) } ?? 0
    }

    func setVersion(_ version: Int64) throws(StorageError) {
        try connection.execute(
            """
            INSERT INTO roster_version (domain, username, version) VALUES (?, ?, ?)
            ON CONFLICT (domain, username) DO UPDATE SET version = excluded.version
            """, key.domainValue, key.userValue, .integer(version))
    }

    func item(_ contact: String) throws(StorageError) -> RosterItem? {
        try connection.first(
            "SELECT \(Self.columns) FROM roster_item WHERE domain = ? AND username = ? AND contact = ?",
            key.domainValue, key.userValue, .text(contact), map: Self.item)
    }

    func items() throws(StorageError) -> [RosterItem] {
        try connection.all(
            "SELECT \(Self.columnsOfList) FROM roster_item WHERE domain = ? AND username = ? ORDER BY contact",
            key.domainValue, key.userValue, map: Self.item)
    }

    func count(listed: Bool) throws(StorageError) -> Int {
        try connection.first(
            "SELECT COUNT(*) FROM roster_item WHERE domain = ? AND username = ? AND listed = ?",
            key.domainValue, key.userValue, .flag(listed)
        ) { (row) throws(StorageError) in Int(try row.integer(0)) } ?? 0
    }

    /// Bytes of the items that are listed, as `RosterItem.size` counts them.
    func size() throws(StorageError) -> Int {
        var size = 0
        try connection.run(
            "SELECT contact, name, in_groups FROM roster_item WHERE domain = ? AND username = ? AND listed = 1",
            [key.domainValue, key.userValue]
        ) { (row) throws(StorageError) in
            let name = try row.optionalText(1)
            size += try row.text(0).utf8.count
            size += try row.text(2).utf8.count + (name?.utf8.count ?? 0)
        }
        return size
    }

    /// Waiting requests of contacts after this one, in the order of their addresses: at most so many, and so many bytes, but one
    /// at least if there is one.
    func requests(after contact: String, limit: Int, bytes: Int) throws(StorageError) -> [RosterRepository.Request] {
        let waiting = "FROM roster_item WHERE domain = ? AND username = ? AND pending_in_stanza IS NOT NULL AND contact > ?"
        let sizes = try connection.all(
            "SELECT contact, LENGTH(pending_in_stanza) \(waiting) ORDER BY contact LIMIT ?",
            key.domainValue, key.userValue, .text(contact), .integer(Int64(limit))
        ) { (row) throws(StorageError) in (contact: try row.text(0), size: Int(try row.integer(1))) }
        var left = bytes
        let fitting = sizes.prefix { size in
            left -= size.size
            return left >= 0
        }
        guard let last = fitting.last ?? sizes.first else { return [] }
        return try connection.all(
            "SELECT contact, pending_in_stanza \(waiting) AND contact <= ? ORDER BY contact",
            key.domainValue, key.userValue, .text(contact), .text(last.contact)
        ) { (row) throws(StorageError) in .init(contact: try row.text(0), stanza: try row.bytes(1)) }
    }

    func put(_ item: RosterItem) throws(StorageError) {
        try connection.execute(
            """
            INSERT INTO roster_item (domain, username, \(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (domain, username, contact) DO UPDATE SET
                name = excluded.name, in_groups = excluded.in_groups, subscription = excluded.subscription,
                pending_out = excluded.pending_out, pending_in = excluded.pending_in,
                pending_in_stanza = excluded.pending_in_stanza, approved = excluded.approved, listed = excluded.listed
            """,
            key.domainValue, key.userValue, .text(item.contact), .text(item.name), .text(Self.encode(item.groups)),
            .integer(item.subscription.rawValue), .flag(item.pendingOut), .flag(item.pendingIn), .bytes(item.pendingInStanza),
            .flag(item.approved), .flag(item.isListed))
    }

    func delete(_ contact: String) throws(StorageError) {
        try connection.execute(
            "DELETE FROM roster_item WHERE domain = ? AND username = ? AND contact = ?",
            key.domainValue, key.userValue, .text(contact))
    }

    private static func item(_ row: SQLRow) throws(StorageError) -> RosterItem {
        guard let subscription = RosterItem.Subscription(rawValue: try row.integer(3)) else {
            throw .corrupt("a roster item has an unknown subscription")
        }
        return RosterItem(
            contact: try row.text(0), name: try row.optionalText(1), groups: decode(try row.text(2)), subscription: subscription,
            pendingOut: try row.flag(4), pendingIn: try row.flag(5), pendingInStanza: try row.optionalBytes(6),
            approved: try row.flag(7), isListed: try row.flag(8))
    }

    private static func encode(_ groups: [String]) -> String {
        groups.reduce(into: "") { text, group in
            text += group
            text.append(groupEnd)
        }
    }

    private static func decode(_ text: String) -> [String] {
        text.split(separator: groupEnd, omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}
