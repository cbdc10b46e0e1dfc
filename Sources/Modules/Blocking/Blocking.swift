public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0191: no stanza passes between a user and a blocked contact, to whom the user looks offline.
///
/// The sender's worker asks both lists: that of the addressee for everything, that of the sender for presence, which
/// the server sends on the user's behalf. The user's own account and server are never blocked.
public final class Blocking: Module {
    public nonisolated static let name = "mod_blocking"
    public nonisolated static let implements = [XEP(191, "Blocking Command", version: "1.3")]

    private static let namespace = "urn:xmpp:blocking"
    private static let changeTopic = "blocking.change"
    private static let pushTopic = "blocking.push"
    private static let hideTopic = "blocking.hide"
    private static let showTopic = "blocking.show"

    /// Most addresses in one request, counted before they are read; a request with more is refused.
    static let mostInRequest = 2000
    /// Most addresses on one user's list; a request that would exceed it is refused and changes nothing.
    static let mostBlocked = 10_000

    /// Nil until the module is installed.
    private var cache: BlockListCache?

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        let cache = BlockListCache(host)
        self.cache = cache
        declarations.features.advertise(Self.namespace)
        declarations.features.advertiseAccount(Self.namespace)
        declarations.hooks.outgoing.add(.policy) { Self.outgoing($0, cache) }
        declarations.hooks.incoming.add(.policy) { Self.incoming($0, cache) }
        declarations.hooks.accountRemoved.add { [unowned host] in host.broadcast(Self.changeTopic, Array($0.local.utf8)) }
        declarations.onBroadcast(Self.changeTopic) { cache.forget(String(decoding: $0, as: UTF8.self)) }
        installRequests(&declarations, cache)
        installEvents(&declarations, cache, host)
    }

    private func installRequests(_ declarations: inout Declarations, _ cache: BlockListCache) {
        declarations.iq.onRendered("blocklist", Self.namespace, at: .account) { (request) async throws(StanzaError) in
            guard request.isOwn, !request.isSet else { throw StanzaError(.notAllowed) }
            // The session gets pushes from here on, also of changes during the read that follows.
            request.session?.set(.blockListInterested, true)
            let list = try await cache.list(request.to.local)
            return Self.rendered("blocklist", list?.addresses ?? [])
        }
        for name in ["block", "unblock"] {
            declarations.iq.onWaiting(name, Self.namespace, at: .account) { (request) async throws(StanzaError) in
                guard request.isOwn, request.isSet else { throw StanzaError(.notAllowed) }
                let addresses = try Self.addresses(in: request.payload)
                if name == "block" { try await Self.block(addresses, request) } else { try await Self.unblock(addresses, request) }
                return nil
            }
        }
    }

    // MARK: Changes

    private static func rendered(_ name: String, _ addresses: [String]) -> [UInt8] {
        var writer = ElementWriter()
        writer.raw(Array("<\(name) xmlns='\(namespace)'>".utf8))
        for address in addresses {
            writer.raw("<item jid='")
            writer.escaped(address)
            writer.raw("'/>")
        }
        writer.raw(Array("</\(name)>".utf8))
        return writer.finish()
    }

    private static func addresses(in payload: Element) throws(StanzaError) -> [String] {
        let items = payload.children.filter { $0.is("item", namespace) }
        guard items.count <= mostInRequest else {
            throw StanzaError(.resourceConstraint, text: "A request names \(mostInRequest) addresses at most")
        }
        var addresses: [String] = []
        var seen: Set<String> = []
        for item in items {
            guard let text = item["jid"] else { throw StanzaError(.badRequest) }
            guard let jid = JID(text) else { throw StanzaError(.jidMalformed) }
            if seen.insert(jid.description).inserted { addresses.append(jid.description) }
        }
        return addresses
    }

    private static func block(_ addresses: [String], _ request: IQRequest) async throws(StanzaError) {
        guard !addresses.isEmpty else { throw StanzaError(.badRequest, text: "Nobody is named who shall be blocked") }
        let (host, user) = (request.host, request.to)
        let outcome = try await askStorage(
            try await host.server.store.blockLists.add(UserKey(user), addresses, limit: mostBlocked))
        guard case .done(let added) = outcome else { throw StanzaError(.resourceConstraint, text: "The block list is full") }
        // On each worker, blocked contacts get unavailable presence before the block holds.
        notify(added, hideTopic, user, host)
        host.broadcast(changeTopic, Array(user.local.utf8))
        host.notify(user, pushTopic, rendered("block", addresses))
    }

    /// No address stands for all.
    private static func unblock(_ addresses: [String], _ request: IQRequest) async throws(StanzaError) {
        let (host, user) = (request.host, request.to)
        let lists = host.server.store.blockLists
        let removed = try await askStorage(
            try await addresses.isEmpty ? lists.removeAll(UserKey(user)) : lists.remove(UserKey(user), addresses))
        host.broadcast(changeTopic, Array(user.local.utf8))
        notify(removed, showTopic, user, host)
        host.notify(user, pushTopic, rendered("unblock", addresses))
    }

    // MARK: What the user's sessions do about it

    private static func notify(_ changed: [String], _ topic: String, _ user: JID, _ host: Host) {
        guard !changed.isEmpty else { return }
        host.notify(user, topic, Array(changed.joined(separator: "\n").utf8))
    }

    private static func list(_ payload: [UInt8]) -> BlockList {
        BlockList(payload.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) })
    }

    private func installEvents(_ declarations: inout Declarations, _ cache: BlockListCache, _ host: Host) {
        declarations.onEvent(Self.pushTopic) { _, payload, sessions in
            for session in sessions where session.flags.contains(.blockListInterested) { session.push(payload) }
        }
        declarations.onEvent(Self.hideTopic) { [unowned host] _, payload, sessions in
            let blocked = Self.list(payload)
            PresenceFanOut.each(sessions, of: host) { Self.hide($0, from: blocked, cache) }
        }
        declarations.onEvent(Self.showTopic) { [unowned host] _, payload, sessions in
            let unblocked = Self.list(payload)
            PresenceFanOut.each(sessions, of: host) { Self.show($0, to: unblocked) }
        }
    }

    /// Sends unavailable presence to newly blocked contacts that have seen the session (XEP-0191 §3.3).
    private static func hide(_ session: Session, from blocked: BlockList, _ cache: BlockListCache) {
        guard let state = session[PresenceState.key] else { return }
        let seen = state.directed.union(state.subscribers.lazy.map { JID.prepared($0) })
        let targets = blocked.matches(among: seen).filter { session.isAvailable || state.directed.contains($0) }
        state.directed.subtract(targets)
        send(Stanza(.presence, type: "unavailable", from: session.jid, to: nil), of: session, to: Array(targets)) { stanza in
            cache.whileHiding { session.host.router.route(stanza) }
        }
    }

    /// Sends the session's presence to unblocked contacts that may see it (XEP-0191 §3.4).
    private static func show(_ session: Session, to unblocked: BlockList) {
        guard session.isAvailable, let state = session[PresenceState.key] else { return }
        let targets = unblocked.matches(among: Set(state.subscribers.lazy.map { JID.prepared($0) }))
        send(state.last, of: session, to: Array(targets)) { stanza in
            if session.isAvailable { session.host.router.route(stanza) }
        }
    }

    private static func send(
        _ stanza: Stanza, of session: Session, to targets: [JID], by route: @escaping @LoopActor (Stanza) -> Void
    ) {
        if let rest = PresenceFanOut.send(stanza, to: targets, by: route) { session.host.server.background(rest) }
    }
}

/// Applies block lists to stanzas on their way.
extension Blocking {
    private static func outgoing(_ outgoing: Outgoing, _ cache: BlockListCache) -> Decision<Outgoing> {
        guard let to = outgoing.stanza.to else { return .next }
        let session = outgoing.session
        if isExempt(to, from: session.jid) { return .next }
        switch cache.answer(session.jid.local) {
        case .known(let list): return sending(to, list)
        case .unknown:
            return .wait {
                do throws(StanzaError) { return sending(to, try await cache.list(session.jid.local)) } catch {
                    return .fail(error)
                }
            }
        }
    }

    private static func sending(_ to: JID, _ list: BlockList?) -> Decision<Outgoing> {
        guard let list, list.blocks(to) else { return .next }
        return .fail(StanzaError(.notAcceptable, .cancel, detail: Element("blocked", "urn:xmpp:blocking:errors")))
    }

    private static func incoming(_ incoming: Incoming, _ cache: BlockListCache) -> Decision<Incoming> {
        guard let from = incoming.stanza.from, !isExempt(from, from: incoming.to) else { return .next }
        let sender = incoming.stanza.kind == .presence ? lists(of: from, incoming.host, cache) : nil
        let theirs = cache.answer(incoming.to.local)
        let own = sender?.answer(from.local) ?? .known(nil)
        if case .known(let theirs) = theirs, case .known(let own) = own {
            return receiving(incoming, from, theirs, own)
        }
        // Presence is not delivered to a user without sessions: no list is needed.
        if BlockingRules.isForSessions(incoming.stanza), incoming.host.server.sessions(of: incoming.user).isEmpty {
            return .next
        }
        return .wait {
            do throws(StanzaError) {
                let theirs = try await cache.list(incoming.to.local)
                return receiving(incoming, from, theirs, try await sender?.list(from.local))
            } catch {
                return incoming.stanza.kind == .presence ? .stop : .fail(error)
            }
        }
    }

    private static func receiving(_ incoming: Incoming, _ from: JID, _ theirs: BlockList?, _ own: BlockList?) -> Decision<Incoming>
    {
        if let theirs, theirs.blocks(from) { return BlockingRules.refusal(of: incoming.stanza) }
        if let own, own.blocks(incoming.to) { return .stop }
        return .next
    }

    /// The list of a sender on whose behalf the server sends; nil: none applies.
    private static func lists(of sender: JID, _ host: Host, _ cache: BlockListCache) -> BlockListCache? {
        guard !sender.isDomain else { return nil }
        var lists: BlockListCache? = cache
        if sender.domain != host.domain {
            lists = host.server.host(sender.domain)?.modules.lazy.compactMap { $0 as? Blocking }.first?.cache
        }
        return lists?.isHiding == true ? nil : lists
    }

    /// Whether the other side is the user's own account or server.
    private static func isExempt(_ other: JID, from user: JID) -> Bool {
        other.domain == user.domain && (other.local == user.local || other.local.isEmpty && other.resource.isEmpty)
    }
}

/// Decides on a stanza from a blocked contact (XEP-0191 §3.3): rules without a server around them.
enum BlockingRules {
    static func refusal(of stanza: Stanza) -> Decision<Incoming> {
        switch stanza.kind {
        case .presence: .stop
        case .message: stanza.isError ? .stop : .fail(StanzaError(.serviceUnavailable))
        case .iq: stanza.isRequest ? .fail(StanzaError(.serviceUnavailable)) : .stop
        }
    }

    /// Presence that only sessions deliver or answer, and that has no effect without one.
    static func isForSessions(_ stanza: Stanza) -> Bool {
        guard stanza.kind == .presence else { return false }
        return stanza.type == nil || stanza.isType("unavailable") || stanza.isType("probe") || stanza.isType("error")
    }
}
