/// One message for the archives of its two sides, which share what is kept of it.
public struct ArchivedMessage: Sendable {
    /// Takes back an earlier message of the same conversation.
    public struct Retraction: Sendable {
        /// Given a stanza that is kept and its id, answers what shall be kept in its place; nil if it is not the one that is meant.
        public let tombstone: @Sendable (_ stanza: [UInt8], _ id: Int64) -> [UInt8]?

        public init(_ tombstone: @escaping @Sendable (_ stanza: [UInt8], _ id: Int64) -> [UInt8]?) { self.tombstone = tombstone }
    }

    /// Orders the messages of an archive, and is different for each of the server's: microseconds since 1970, shifted left by
    /// `ArchiveRepository.idShift`, plus a number of the process that gave it.
    public let id: Int64
    /// The stanza as it is sent to a client, as XML.
    public let stanza: [UInt8]
    public let isGroupchat: Bool
    /// The bare addresses of its two sides.
    public let from: UserKey
    public let to: UserKey
    /// It belongs to the archive of who sent it, and to that of whom it was sent to.
    public var isSenders: Bool
    public var isRecipients: Bool
    public let retraction: Retraction?

    public init(
        id: Int64, stanza: [UInt8], isGroupchat: Bool = false, from: UserKey, to: UserKey, isSenders: Bool = true,
        isRecipients: Bool = true, retraction: Retraction? = nil
    ) {
        self.id = id
        self.stanza = stanza
        self.isGroupchat = isGroupchat
        self.from = from
        self.to = to
        self.isSenders = isSenders
        self.isRecipients = isRecipients
        self.retraction = retraction
    }
}

/// The numbers that archives and addresses have in the database, as far as one process knows them.
public struct ArchiveNumbers: Sendable, Equatable {
    /// Of one address, as an owner and as a peer; 0: not known.
    struct Numbers: Sendable, Equatable {
        var archive: Int64 = 0
        var peer: Int64 = 0
    }

    /// The state of the database that the numbers of archives belong to; they change with it.
    var epoch: Int64 = -1
    var users: [UserKey: Numbers] = [:]
    /// Users who were removed lately, and up to which id messages were theirs.
    var removals: [UserKey: Int64] = [:]

    public init() {}

    public var count: Int { users.count }

    /// Takes in what an `append` found out; with more than `limit` numbers the old ones are forgotten.
    public mutating func learn(_ found: ArchiveNumbers, limit: Int) {
        if found.epoch != epoch || count + found.count > limit {
            self = found
        } else if found.count > 0 {
            users.merge(found.users) { Numbers(archive: max($0.archive, $1.archive), peer: max($0.peer, $1.peer)) }
        }
    }
}

/// Which messages of an archive are meant.
public struct ArchiveSelection: Sendable, Equatable {
    /// Only later ones than this id.
    public var after: Int64 = 0
    /// Only earlier ones than this id.
    public var before: Int64 = .max
    /// Only those with this bare address; nil: with anybody.
    public var peer: UserKey?
    public var withoutGroupchat = false

    public init() {}

    var isEmpty: Bool { before <= 0 || after >= before - 1 }
}

/// A part of an archive, in its order.
public struct ArchivePage: Sendable, Equatable {
    public struct Message: Sendable, Equatable {
        public let id: Int64
        public let stanza: [UInt8]
    }

    public var messages: [Message] = []
    /// Nothing more is selected in the direction that was read in.
    public var isComplete = true
    /// Where the next page begins, if this one is not complete: the id of the last message that was looked at.
    public var end: Int64?

    public init(messages: [Message] = [], isComplete: Bool = true, end: Int64? = nil) {
        self.messages = messages
        self.isComplete = isComplete
        self.end = end
    }
}
