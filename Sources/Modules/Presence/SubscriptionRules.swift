internal import Storage

/// The subscription states of RFC 6121 appendix A, as functions of an item and a presence type.
///
/// The nine states are the three facts of an item: its subscription and the two pending directions.
enum SubscriptionRules {
    enum Kind: String, Sendable {
        case subscribe, subscribed, unsubscribe, unsubscribed
    }

    /// The effect of a user's own stanza (appendix A.2).
    struct Outbound: Equatable {
        var item: RosterItem?
        /// Whether the stanza goes on to the contact.
        var isRouted: Bool
        /// The contact sees the user's presence from now on.
        var beginsPresence = false
        /// The contact sees it no more.
        var endsPresence = false
    }

    /// The effect of a contact's stanza (appendix A.3).
    struct Inbound: Equatable {
        var item: RosterItem?
        /// Whether the user's resources get the stanza.
        var isDelivered: Bool
        /// The user has approved this before: `subscribed` goes back without asking (RFC 6121 §3.1.3).
        var isApproved = false
        /// The contact sees the user's presence no more.
        var endsPresence = false
    }

    static func outbound(_ kind: Kind, contact: String, _ item: RosterItem?) -> Outbound {
        var next = item ?? RosterItem(contact: contact)
        switch kind {
        case .subscribe:
            if !next.seesContact { next.pendingOut = true }
            next.isListed = true
            return Outbound(item: next, isRouted: true)
        case .unsubscribe:
            guard item != nil else { return Outbound(item: nil, isRouted: true) }
            next.pendingOut = false
            next.seesContact = false
            return Outbound(item: next, isRouted: true)
        case .subscribed:
            guard next.pendingIn else { return Outbound(item: item, isRouted: false) }
            next.pendingIn = false
            next.pendingInStanza = nil
            next.isSeen = true
            next.isListed = true
            return Outbound(item: next, isRouted: true, beginsPresence: true)
        case .unsubscribed:
            guard next.pendingIn || next.isSeen else { return Outbound(item: item, isRouted: false) }
            let ends = next.isSeen
            next.pendingIn = false
            next.pendingInStanza = nil
            next.isSeen = false
            return Outbound(item: next.isListed ? next : nil, isRouted: true, endsPresence: ends)
        }
    }

    /// - Parameter stanza: what `WaitingRequests.kept` leaves of a request; kept until the user answers it.
    static func inbound(_ kind: Kind, contact: String, _ item: RosterItem?, stanza: [UInt8]) -> Inbound {
        var next = item ?? RosterItem(contact: contact, isListed: false)
        switch kind {
        case .subscribe:
            if next.isSeen { return Inbound(item: item, isDelivered: false, isApproved: true) }
            next.pendingIn = true
            next.pendingInStanza = stanza
            // A repeated request is delivered again: the first may have been lost.
            return Inbound(item: next, isDelivered: true)
        case .unsubscribe:
            guard next.pendingIn || next.isSeen else { return Inbound(item: item, isDelivered: false) }
            let ends = next.isSeen
            next.pendingIn = false
            next.pendingInStanza = nil
            next.isSeen = false
            return Inbound(item: next.isListed ? next : nil, isDelivered: true, endsPresence: ends)
        case .subscribed:
            guard next.pendingOut else { return Inbound(item: item, isDelivered: false) }
            next.pendingOut = false
            next.seesContact = true
            return Inbound(item: next, isDelivered: true)
        case .unsubscribed:
            guard next.pendingOut || next.seesContact else { return Inbound(item: item, isDelivered: false) }
            next.pendingOut = false
            next.seesContact = false
            return Inbound(item: next, isDelivered: true)
        }
    }
}

extension RosterItem {
    /// The user sees the contact's presence: `to` or `both`.
    var seesContact: Bool {
        get { subscription == .to || subscription == .both }
        set { subscription = Self.subscription(to: newValue, from: isSeen) }
    }

    /// The contact sees the user's presence: `from` or `both`.
    var isSeen: Bool {
        get { subscription == .from || subscription == .both }
        set { subscription = Self.subscription(to: seesContact, from: newValue) }
    }

    private static func subscription(to: Bool, from: Bool) -> Subscription {
        switch (to, from) {
        case (false, false): .none
        case (true, false): .to
        case (false, true): .from
        case (true, true): .both
        }
    }
}
