public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import XML
internal import XMPP

/// RFC 6121 §2: the roster, with versions and pushes.
///
/// A client that knows an outdated version gets the whole roster (§2.6.3 allows both that and the differences).
public final class Roster: Module {
    public nonisolated static let name = "mod_roster"
    public nonisolated static let implements = [XEP(237, "Roster Versioning", version: "1.3")]

    /// Most bytes of a name or a group; a request with a longer one is refused.
    private static let longestName = 1023
    /// Most groups of one contact, counted before they are read; a request with more is refused.
    private static let mostGroups = 64

    private let isVersioned: Bool

    public init(options: RosterOptions) { isVersioned = options.isVersioned }

    public func install(_ declarations: inout Declarations, on host: Host) {
        if isVersioned {
            declarations.features.afterAuthentication.append { Element("ver", "urn:xmpp:features:rosterver") }
        }
        let rosters = host.server.store.rosters
        declarations.iq.onRendered("query", Namespace.roster, at: .account) { [isVersioned] request async throws(StanzaError) in
            guard request.isOwn else { throw StanzaError(.forbidden) }
            guard request.isSet else { return try await Self.get(request, rosters, isVersioned: isVersioned) }
            try await Self.set(request, rosters)
            return nil
        }
        declarations.onEvent(RosterXML.topic) { user, payload, sessions in
            for session in sessions where session.flags.contains(.interested) { session.push(payload) }
            PresenceState.rosterChanged(payload, sessions, host)
        }
    }

    private static func get(
        _ request: IQRequest, _ rosters: RosterRepository, isVersioned: Bool
    ) async throws(StanzaError) -> [UInt8]? {
        // The session gets pushes from here on, also of changes during the read that follows.
        request.session?.set(.interested, true)
        let roster = try await askStorage(try await rosters.roster(UserKey(request.to)))
        if isVersioned, let known = request.payload["ver"], known == String(roster.version) { return nil }
        return RosterXML.query(version: isVersioned ? roster.version : nil, roster.items.lazy.filter(\.isListed))
    }

    // MARK: Changes

    private static func set(_ request: IQRequest, _ rosters: RosterRepository) async throws(StanzaError) {
        var items = request.payload.children
        guard let item = items.next(), items.next() == nil, item.is("item", Namespace.roster),
            let text = item["jid"]
        else { throw StanzaError(.badRequest) }
        guard let contact = JID(text)?.bare else { throw StanzaError(.jidMalformed) }
        if item.attribute("subscription", equals: "remove") {
            try await remove(contact, request, rosters)
        } else {
            try await put(item, contact, request, rosters)
        }
    }

    private static func put(
        _ item: Element, _ contact: JID, _ request: IQRequest, _ rosters: RosterRepository
    ) async throws(StanzaError) {
        let elements = item.children.filter { $0.is("group", Namespace.roster) }
        guard elements.count <= mostGroups else { throw StanzaError(.notAcceptable, text: "Too many groups") }
        let groups = elements.map(\.text)
        guard groups.allSatisfy({ !$0.isEmpty && $0.utf8.count <= longestName }), (item["name"] ?? "").utf8.count <= longestName
        else { throw StanzaError(.notAcceptable) }
        guard Set(groups).count == groups.count else { throw StanzaError(.badRequest) }
        let name = item["name"].flatMap { $0.isEmpty ? nil : $0 }
        let change = try await modify(contact, of: request.to, rosters) { old in
            var new = old ?? RosterItem(contact: contact.description)
            new.name = name
            new.groups = groups
            new.isListed = true
            return new
        }
        announce(change, contact, request.to, request.host)
    }

    private static func remove(_ contact: JID, _ request: IQRequest, _ rosters: RosterRepository) async throws(StanzaError) {
        let change = try await modify(contact, of: request.to, rosters) { old in
            // A waiting request is not an item: it stays until it is answered.
            guard var old, old.isListed, old.pendingIn else { return old?.isListed == true ? nil : old }
            old = RosterItem(
                contact: old.contact, pendingIn: true, pendingInStanza: old.pendingInStanza, isListed: false)
            return old
        }
        guard let old = change.old, old.isListed else { throw StanzaError(.itemNotFound) }
        if old.isSeen { await request.host.withdrawPresence(of: request.to, from: [contact]) }
        announce(change, contact, request.to, request.host)
        await endSubscriptions(old, contact, request.to, request.host)
    }

    /// Ends the subscriptions with a removed contact (RFC 6121 §2.5.2), before the client gets its result.
    private static func endSubscriptions(_ old: RosterItem, _ contact: JID, _ user: JID, _ host: Host) async {
        if old.seesContact || old.pendingOut {
            await host.router.routeAndWait(Stanza(.presence, type: "unsubscribe", from: user, to: contact))
        }
        if old.isSeen {
            await host.router.routeAndWait(Stanza(.presence, type: "unsubscribed", from: user, to: contact))
        }
    }

    private static func modify(
        _ contact: JID, of user: JID, _ rosters: RosterRepository,
        _ change: @escaping @Sendable (RosterItem?) -> RosterItem?
    ) async throws(StanzaError) -> RosterChange {
        switch try await askStorage(try await rosters.modify(UserKey(user), contact.description, change)) {
        case .done(let change): return change
        case .full: throw StanzaError(.resourceConstraint, text: "The roster is full")
        }
    }

    static func announce(_ change: RosterChange, _ contact: JID, _ user: JID, _ host: Host) {
        // Clients that are not offered versioning get no version (RFC 6121 §2.6).
        let isVersioned = host.modules.lazy.compactMap { $0 as? Roster }.first?.isVersioned ?? false
        guard let push = RosterXML.push(change, contact: contact.description, isVersioned: isVersioned) else { return }
        host.notify(user, RosterXML.topic, push)
    }
}

/// `[modules.mod_roster]`.
public struct RosterOptions: ModuleOptionSet {
    var isVersioned = false

    public static let keys: [ModuleOption<Self>] = [.init("versioning", \.isVersioned)]

    public init() {}
}
