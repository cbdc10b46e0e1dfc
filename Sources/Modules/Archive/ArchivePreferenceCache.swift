internal import Kernel
internal import Network
internal import Storage
internal import XML
internal import XMPP

/// The archive preferences of a host's users that this worker has read from storage (XEP-0441). It also remembers users
/// without any.
@LoopActor
final class ArchivePreferenceCache {
    private static let topic = "archive.preferences"
    /// Most users in the cache; of more, those that have not been needed lately are read again.
    private static let bound = 65_536

    private unowned let host: Host
    private let cache = ReadThroughCache<String, ArchivePreferences, StanzaError>(bound: ArchivePreferenceCache.bound)

    init(_ host: Host) {
        self.host = host
    }

    func install(_ declarations: inout Declarations) {
        declarations.onBroadcast(Self.topic) { self.cache.invalidate(String(decoding: $0, as: UTF8.self)) }
    }

    private var store: ArchivePreferenceRepository { host.server.store.archivePreferences }

    func known(_ user: String) -> ArchivePreferences? { cache.known(user) }

    func preferences(_ user: String) async throws(StanzaError) -> ArchivePreferences {
        let (store, key) = (store, UserKey(user: user, domain: host.domain))
        return try await cache.value(user) { () async throws(StanzaError) in
            do throws(StorageError) {
                return try await store.get(key).flatMap { ArchivePreferences($0) } ?? .usual
            } catch { throw StanzaError(storage: error) }
        }
    }

    /// Whether messages with a peer are archived for a user; reads the roster if the preferences need it.
    func keeps(_ peer: JID, of user: JID) async throws(StanzaError) -> Bool {
        switch try await preferences(user.local).verdict(on: peer) {
        case .keep: return true
        case .leave: return false
        case .ifInRoster:
            do {
                return try await host.server.store.rosters.item(UserKey(user.bare), peer.bareText)?.isListed ?? false
            } catch { throw StanzaError(storage: error) }
        }
    }

    func set(_ preferences: ArchivePreferences, of user: String) async throws(StanzaError) {
        do {
            try await store.set(UserKey(user: user, domain: host.domain), preferences.kept)
        } catch { throw StanzaError(storage: error) }
        announceChange(of: user)
    }

    /// Tells all workers to drop a user's preferences.
    func announceChange(of user: String) { host.broadcast(Self.topic, Array(user.utf8)) }
}

extension ArchivePreferences {
    /// Nil for bytes that no version has written.
    init?(_ kept: ArchivePreferenceRepository.Preferences) {
        guard let standard = Standard(rawValue: kept.standard) else { return nil }
        self.init(standard: standard, always: kept.always.map { JID.prepared($0) }, never: kept.never.map { JID.prepared($0) })
    }

    var kept: ArchivePreferenceRepository.Preferences {
        .init(standard: standard.rawValue, always: always.map(\.description), never: never.map(\.description))
    }
}

/// Answers requests to read and set preferences (XEP-0441 §2.1).
@LoopActor
enum ArchivePreferenceService {
    /// Most addresses in both lists of one user, repeated ones counted; a request with more is refused before they are read.
    private nonisolated static let mostAddresses = 1000

    static func install(_ declarations: inout Declarations, _ cache: ArchivePreferenceCache?) {
        for namespace in Archive.namespaces {
            declarations.iq.onWaiting("prefs", namespace, at: .account) { (request) async throws(StanzaError) in
                guard request.isOwn else { throw StanzaError(.forbidden) }
                guard let cache else { throw StanzaError(.featureNotImplemented, text: "Preferences are not kept here") }
                if request.isSet { try await cache.set(try read(request.payload), of: request.to.local) }
                return element(namespace, try await cache.preferences(request.to.local))
            }
        }
    }

    nonisolated static func read(_ prefs: Element) throws(StanzaError) -> ArchivePreferences {
        guard let standard = prefs["default"].flatMap({ ArchivePreferences.Standard(rawValue: $0) }) else {
            throw StanzaError(.badRequest, text: "default is always, never or roster")
        }
        let given = ["always", "never"].map { name in prefs.child(name)?.children.filter { $0.isNamed("jid") } ?? [] }
        guard given[0].count + given[1].count <= mostAddresses else {
            throw StanzaError(.resourceConstraint, text: "Too many addresses")
        }
        return ArchivePreferences(standard: standard, always: try addresses(given[0]), never: try addresses(given[1]))
    }

    /// Each once, in the order in which they are given.
    private nonisolated static func addresses(_ children: [Element]) throws(StanzaError) -> [JID] {
        var (list, seen): ([JID], Set<JID>) = ([], [])
        for child in children {
            guard let jid = JID(child.text) else { throw StanzaError(.jidMalformed) }
            if seen.insert(jid).inserted { list.append(jid) }
        }
        return list
    }

    nonisolated static func element(_ namespace: String, _ preferences: ArchivePreferences) -> Element {
        func list(_ name: String, _ jids: [JID]) -> Element {
            Element(name, namespace, [:], jids.map { Element("jid", namespace, text: $0.description) })
        }
        return Element(
            "prefs", namespace, ["default": preferences.standard.rawValue],
            [list("always", preferences.always), list("never", preferences.never)])
    }
}
