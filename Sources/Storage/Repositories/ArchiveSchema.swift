extension SchemaMigration {
    /// The archive of messages (XEP-0313).
    ///
    /// A message is written once, at the end of `archive_chunk`, in the order of the commits and with others in one row
    /// (`ArchiveChunk`); that costs least. The rows by which it is found are made later for many at once, in the order of their
    /// keys (`ArchiveIndex`): made with each message they would touch a page of the file for each user. What is behind
    /// `archive_state.indexed` is found by looking at all of it.
    ///
    /// `archive_block` has the messages of an archive in order, many in a row (`ArchiveBlock`). `archive_contact` tells in which
    /// periods of time an archive has messages with an address, so that a search for one looks at those periods only.
    /// `archive_removal` tells for a while which users were removed and when, for messages that were sent before and come to be
    /// written after that.
    static let archive = SchemaMigration(10) { dialect in
        [
            """
            CREATE TABLE archive_state (
                epoch BIGINT NOT NULL, next_archive BIGINT NOT NULL, next_peer BIGINT NOT NULL, next_chunk BIGINT NOT NULL,
                indexed BIGINT NOT NULL, unindexed BIGINT NOT NULL
            )
            """,
            "INSERT INTO archive_state (epoch, next_archive, next_peer, next_chunk, indexed, unindexed) VALUES (0, 1, 1, 1, 0, 0)",
            """
            CREATE TABLE archive_owner (
                domain TEXT NOT NULL, username TEXT NOT NULL, archive BIGINT NOT NULL, PRIMARY KEY (domain, username)
            )\(dialect.clustered)
            """,
            """
            CREATE TABLE archive_peer (
                peer_domain TEXT NOT NULL, peer_user TEXT NOT NULL, peer BIGINT NOT NULL, PRIMARY KEY (peer_domain, peer_user)
            )\(dialect.clustered)
            """,
            """
            CREATE TABLE archive_chunk (
                chunk INTEGER PRIMARY KEY, facts \(dialect.bytes) NOT NULL, stanzas \(dialect.bytes) NOT NULL
            )
            """,
            """
            CREATE TABLE archive_block (
                archive BIGINT NOT NULL, first BIGINT NOT NULL, entries \(dialect.bytes) NOT NULL, PRIMARY KEY (archive, first)
            )\(dialect.clustered)
            """,
            """
            CREATE TABLE archive_contact (
                archive BIGINT NOT NULL, peer BIGINT NOT NULL, period BIGINT NOT NULL, PRIMARY KEY (archive, peer, period)
            )\(dialect.clustered)
            """,
            "CREATE TABLE archive_garbage (archive BIGINT NOT NULL PRIMARY KEY)",
            """
            CREATE TABLE archive_removal (
                owner_domain TEXT NOT NULL, owner_user TEXT NOT NULL, removed BIGINT NOT NULL, PRIMARY KEY (owner_domain, owner_user)
            )\(dialect.clustered)
            """,
            """
            CREATE TABLE archive_preference (
                domain TEXT NOT NULL, username TEXT NOT NULL, standard TEXT NOT NULL, always TEXT NOT NULL, never TEXT NOT NULL,
                PRIMARY KEY (domain, username)
            )\(dialect.clustered)
            """,
        ]
    }
}
