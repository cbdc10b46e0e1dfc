/// Why the database did not do what it was asked.
///
/// None of these is the fault of a user, so a caller answers a stanza with `internal-server-error` or `resource-constraint` and
/// never with the text, which is for the log. The driver has already logged the failure when a caller sees it.
public enum StorageError: Error, Equatable, Sendable {
    /// The disk, or the room that the database may take on it, is full. Nothing of the failed work was kept.
    case full
    /// Another process held the database longer than the busy timeout, or more work is waiting than the queue's bound allows.
    case busy
    /// The database file is damaged, or a row holds what this version cannot have written.
    case corrupt(String)
    /// A rule of the schema (unique key, not null, check) forbids the change.
    case constraint(String)
    /// The schema was written by a newer version of the server; `known` is the newest this one understands.
    case newerSchema(found: Int, known: Int)
    /// The database has not been brought to the version that this server needs.
    case outdatedSchema(found: Int, needed: Int)
    /// The database cannot be reached or used at all: missing directory, no permission, input/output error, closed.
    case unavailable(String)
}

extension StorageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .full: "the disk is full: make room where the database lies"
        case .busy: "the database is locked by another process or has too much waiting work"
        case .corrupt(let detail): "the database is damaged (\(detail)): restore it from a backup"
        case .constraint(let detail): "the change breaks a rule of the schema (\(detail))"
        case .newerSchema(let found, let known):
            "the database has schema version \(found), this server knows versions up to \(known): start the newer server again"
        case .outdatedSchema(let found, let needed):
            "the database has schema version \(found), this server needs version \(needed): it has not been migrated"
        case .unavailable(let detail): "the database cannot be used (\(detail))"
        }
    }
}
