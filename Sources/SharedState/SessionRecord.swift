/// One bound session, as all processes of the machine know it.
public struct SessionRecord: Sendable, Equatable {
    /// Bare JID as it was prepared (RFC 7622), at most 2,047 bytes.
    public var bare: String
    /// At most 1,023 bytes.
    public var resource: String
    /// The worker that holds the connection …
    public var slot: UInt8
    /// … and which of the processes that filled this slot one after another.
    public var incarnation: UInt32
    /// Number of the connection within that process.
    public var connection: UInt64
    /// RFC 6121 §4.7.2.3. Means something only while the session is available.
    public var priority: Int8
    public var flags: SessionFlags
    /// When the resource was bound: unix time in seconds.
    public var since: Int64
    /// The client's IP address as text, at most 255 bytes.
    public var address: String

    public init(
        bare: String, resource: String, slot: UInt8, incarnation: UInt32, connection: UInt64, priority: Int8 = 0,
        flags: SessionFlags = [], since: Int64, address: String
    ) {
        self.bare = bare
        self.resource = resource
        self.slot = slot
        self.incarnation = incarnation
        self.connection = connection
        self.priority = priority
        self.flags = flags
        self.since = since
        self.address = address
    }

    public var owner: SessionOwner { SessionOwner(slot: slot, incarnation: incarnation, connection: connection) }
}

/// Who may change or remove an entry: one connection of one process, never its successor.
public struct SessionOwner: Sendable, Hashable {
    public var slot: UInt8
    public var incarnation: UInt32
    public var connection: UInt64

    public init(slot: UInt8, incarnation: UInt32, connection: UInt64) {
        self.slot = slot
        self.incarnation = incarnation
        self.connection = connection
    }
}

/// What other sessions need to know of one without asking its worker.
///
/// The words are those of RFC 6121 and of the XEPs, and belong to the modules that implement them: each flag is set by one
/// module, or by the kernel, and this room gives none of them a meaning. They stand here because a bit of the shared entry
/// is what every worker can read. 16 bits; a session's state that only its own worker needs goes under a `SessionKey`.
public struct SessionFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Has sent initial presence (RFC 6121 §4.2) and not become unavailable since.
    public static let available = SessionFlags(rawValue: 1 << 0)
    /// Has asked for the roster and gets roster pushes (RFC 6121 §2.1.6).
    public static let interested = SessionFlags(rawValue: 1 << 1)
    /// Has enabled message carbons (XEP-0280).
    public static let carbons = SessionFlags(rawValue: 1 << 2)
    /// Has asked for the block list and gets its pushes (XEP-0191 §3.3).
    public static let blockListInterested = SessionFlags(rawValue: 1 << 4)
    /// Its connection is encrypted with TLS.
    public static let secure = SessionFlags(rawValue: 1 << 5)
    /// Has said that nobody is looking at it (XEP-0352).
    public static let inactive = SessionFlags(rawValue: 1 << 6)
    /// Its connection is gone; it waits to be resumed (XEP-0198 §5).
    public static let detached = SessionFlags(rawValue: 1 << 7)
    /// Takes the messages that were kept for its user, or waits for its turn to (XEP-0160).
    public static let takesOffline = SessionFlags(rawValue: 1 << 8)
    /// Its user has no account and is gone with the last session (XEP-0175).
    public static let anonymous = SessionFlags(rawValue: 1 << 9)
}

/// What delivery needs to know of a session: a record without the parts that cost a copy.
public struct SessionRoute: Sendable, Equatable {
    public var resource: String
    public var slot: UInt8
    public var incarnation: UInt32
    public var connection: UInt64
    public var priority: Int8
    public var flags: SessionFlags

    public init(
        resource: String, slot: UInt8, incarnation: UInt32, connection: UInt64, priority: Int8, flags: SessionFlags
    ) {
        self.resource = resource
        self.slot = slot
        self.incarnation = incarnation
        self.connection = connection
        self.priority = priority
        self.flags = flags
    }

    public var owner: SessionOwner { SessionOwner(slot: slot, incarnation: incarnation, connection: connection) }
}
