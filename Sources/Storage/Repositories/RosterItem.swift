/// One contact of a user, with the whole subscription state of RFC 6121 appendix A.1.
public struct RosterItem: Sendable, Equatable {
    public enum Subscription: Int64, Sendable {
        case none = 0, to, from, both
    }

    /// The contact's bare JID.
    public let contact: String
    public var name: String?
    public var groups: [String]
    public var subscription: Subscription
    /// A subscription request of the user's waits for the contact's answer (`ask='subscribe'`).
    public var pendingOut: Bool
    /// A subscription request of the contact's waits for the user's answer.
    public var pendingIn: Bool
    /// That request, to be delivered again at the user's next login; nil where a whole roster is read (`RosterRepository.requests`).
    public var pendingInStanza: [UInt8]?
    /// The user approved a request that has not come yet (RFC 6121 §3.4).
    public var approved: Bool
    /// Whether the contact is in the roster. False: it is known only for its waiting request and shown to no client (RFC 6121 §3.1.3).
    public var isListed: Bool

    public init(
        contact: String, name: String? = nil, groups: [String] = [], subscription: Subscription = .none, pendingOut: Bool = false,
        pendingIn: Bool = false, pendingInStanza: [UInt8]? = nil, approved: Bool = false, isListed: Bool = true
    ) {
        self.contact = contact
        self.name = name
        self.groups = groups
        self.subscription = subscription
        self.pendingOut = pendingOut
        self.pendingIn = pendingIn
        self.pendingInStanza = pendingInStanza
        self.approved = approved
        self.isListed = isListed
    }

    /// Bytes that it counts for in the bound of a roster.
    var size: Int { contact.utf8.count + (name?.utf8.count ?? 0) + groups.reduce(0) { $0 + $1.utf8.count + 1 } }

    /// What a client sees of it: two items that agree in this need no roster push.
    func looksLike(_ other: RosterItem) -> Bool {
        isListed == other.isListed && name == other.name && groups == other.groups && subscription == other.subscription
            && pendingOut == other.pendingOut && approved == other.approved
    }
}

/// What a modification made of an item.
public struct RosterChange: Sendable, Equatable {
    public let old: RosterItem?
    public let new: RosterItem?
    /// The roster's version after it (RFC 6121 §2.6). It grew if and only if `isVisible`.
    public let version: Int64
    /// Whether clients see a difference and are to be told by a roster push.
    public let isVisible: Bool
}

/// The whole roster at one moment.
public struct StoredRoster: Sendable, Equatable {
    /// All items in the order of their addresses, those that are not listed among them.
    public let items: [RosterItem]
    public let version: Int64
}
