public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// RFC 6121 §4: broadcasts presence to subscribers, and sends and answers probes.
public final class Presence: Module {
    public nonisolated static let name = "mod_presence"
    public nonisolated static let implements: [XEP] = []
    public nonisolated static let isAlwaysOn = true

    /// Nil until the module is installed.
    fileprivate var withdrawal: PresenceWithdrawal?

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        PresenceState.install(&declarations, on: host)
        let withdrawal = PresenceWithdrawal(host: host)
        withdrawal.install(&declarations)
        self.withdrawal = withdrawal
        let subscriptions = Subscriptions(host: host)
        declarations.hooks.outgoing.add(.beforeRouting) { outgoing in
            guard outgoing.stanza.kind == .presence else { return .next }
            return Self.outgoing(&outgoing, subscriptions)
        }
        declarations.hooks.incoming.add(.beforeRouting) { incoming in
            guard incoming.stanza.kind == .presence else { return .next }
            return Self.incoming(incoming, subscriptions)
        }
        declarations.hooks.sessionEnding.add { session in
            let rest = Self.leave(session, Stanza(.presence, type: "unavailable", from: nil, to: nil))
            if let rest { session.host.server.background(rest) }
        }
        declarations.hooks.sessionOrphaned.add { orphan in
            if orphan.wasAvailable { Self.announceOrphan(orphan.jid, host) }
        }
    }

    private static func outgoing(_ outgoing: inout Outgoing, _ subscriptions: Subscriptions) -> Decision<Outgoing> {
        let session = outgoing.session
        switch outgoing.stanza.type {
        case nil:
            return outgoing.isUnaddressed ? announce(outgoing.stanza, session) : direct(outgoing.stanza, session)
        case "unavailable":
            guard outgoing.isUnaddressed else {
                if let to = outgoing.stanza.to { session[PresenceState.key]?.directed.remove(to) }
                return .next
            }
            guard let rest = leave(session, outgoing.stanza) else { return .stop }
            return .wait {
                await rest()
                return .stop
            }
        case "error": return outgoing.isUnaddressed ? .stop : .next
        case "probe": return outgoing.isUnaddressed ? .stop : .next
        case let type:
            guard let kind = type.flatMap(SubscriptionRules.Kind.init), let to = outgoing.stanza.to else {
                return .fail(StanzaError(.badRequest))
            }
            let stanza = outgoing.stanza
            return .wait { await subscriptions.send(kind, stanza, from: session.jid.bare, to: to.bare) }
        }
    }

    private static func incoming(_ incoming: Incoming, _ subscriptions: Subscriptions) -> Decision<Incoming> {
        let stanza = incoming.stanza
        guard let type = stanza.type, type != "unavailable", let from = stanza.from else { return .next }
        if type == "probe" {
            // The server's own probes, many at each initial presence, are answered by available sessions only: the answer of an
            // absent contact "is not mandatory because it can greatly increase the number of presence notifications" (RFC 6121
            // §4.3.2), and here it would take a look into storage for each contact.
            guard incoming.source != nil else {
                PresenceState.sendPresence(of: incoming.user, toProber: from, incoming.host)
                return .stop
            }
            let (host, user) = (incoming.host, incoming.user)
            return .wait { await answerProbe(from: from, to: user, host) }
        }
        guard let kind = SubscriptionRules.Kind(rawValue: type) else { return .next }
        let user = incoming.user
        return .wait { await subscriptions.receive(kind, stanza, from: from.bare, to: user) }
    }

    /// Answers a probe as RFC 6121 §4.3.2 says. An asker without a subscription gets the same answer whether or not there is such
    /// an account; it ends a subscription of which only the asker's roster knows, and is not shown to clients otherwise.
    private static func answerProbe(from prober: JID, to user: JID, _ host: Host) async -> Decision<Incoming> {
        do throws(StanzaError) {
            guard try await host.isPresence(of: user, visibleTo: prober) else {
                await host.router.routeAndWait(Stanza(.presence, type: "unsubscribed", from: user, to: prober.bare))
                return .stop
            }
        } catch {
            // The roster cannot be read: any answer might be wrong.
            return .stop
        }
        if host.server.sessions(of: user).contains(where: { $0.flags.contains(.available) }) {
            PresenceState.sendPresence(of: user, toProber: prober, host)
        } else {
            host.router.route(Stanza(.presence, type: "unavailable", from: user, to: prober))
        }
        return .stop
    }

    // MARK: Available

    /// Initial or subsequent presence (RFC 6121 §4.2, §4.4).
    private static func announce(_ stanza: Stanza, _ session: Session) -> Decision<Outgoing> {
        guard let priority = priority(of: stanza) else {
            return .fail(StanzaError(.badRequest, text: "A priority is an integer from -128 to 127"))
        }
        let wasAvailable = session.isAvailable
        let wasReceptive = wasAvailable && session.priority >= 0
        let becomesReceptive = !wasReceptive && priority >= 0
        if becomesReceptive { session.host.hooks.sessionBecomingReceptive.tell(session) }
        session.update(flags: session.flags.union(.available), priority: priority)
        if wasAvailable, let state = session[PresenceState.key], state.isLoaded {
            state.last = stanza
            InitialPresenceData.forget(session)
            guard let rest = broadcast(stanza, session, state) else {
                return becomesReceptive ? .wait { await receptive(session) } : .stop
            }
            return .wait {
                await rest()
                return becomesReceptive ? await receptive(session) : .stop
            }
        }
        let state = session[PresenceState.key] ?? PresenceState(last: stanza)
        state.last = stanza
        session[PresenceState.key] = state
        return .wait {
            await arrive(stanza, session, state)
            if becomesReceptive { _ = await receptive(session) }
            InitialPresenceData.forget(session)
            return .stop
        }
    }

    private static func receptive(_ session: Session) async -> Decision<Outgoing> {
        if !session.hasEnded { await session.host.hooks.sessionReceptive.tell(session) }
        return .stop
    }

    /// RFC 6121 §4.2.2: sends the presence to subscribers and own resources, probes to contacts, and shows waiting requests.
    private static func arrive(_ stanza: Stanza, _ session: Session, _ state: PresenceState) async {
        let host = session.host
        let user = session.jid.bare
        var items: [RosterItem] = []
        do throws(StorageError) {
            items = try await InitialPresenceData.of(session).items
        } catch {
            Log.error(
                "cannot read a roster, presence stays with the user's own resources", [Field("user", user), Field("error", error)])
        }
        guard !session.hasEnded, session.isAvailable else { return }
        state.load(items)
        await broadcast(stanza, session, state)?()
        guard !session.hasEnded else { return }
        PresenceState.sendPresence(of: user, to: session.jid, host)
        for item in items where item.seesContact {
            host.router.route(Stanza(.presence, type: "probe", from: session.jid, to: .prepared(item.contact)))
            if TurnClock.isOver { await Loop.nextTurn() }
        }
        guard !session.hasEnded else { return }
        guard items.contains(where: \.pendingIn) else { return }
        await InboxRelease.wait(for: session) { await WaitingRequests.show(to: session, $0) }
    }

    /// - Returns: what the turn of the loop has no time for, if there is anything: the client's next stanzas are to wait for it.
    private static func broadcast(_ stanza: Stanza, _ session: Session, _ state: PresenceState) -> PresenceFanOut.Rest? {
        var copy = stanza
        copy.from = session.jid
        copy.to = session.jid.bare
        // First: the user's other resources do not wait for thousands of contacts.
        session.host.router.route(copy)
        return PresenceFanOut.send(copy, to: state.subscribers.map { .prepared($0) }) { contact in
            // Whom the user has withdrawn from meanwhile has been told so.
            session[PresenceState.key] === state && session.isAvailable && state.isSubscriber(contact.bareText)
        } by: {
            session.host.router.route($0)
        }
    }

    /// Bytes of a priority, blanks included: a longer one is no number that RFC 6121 §4.7.2.3 allows, and is not read.
    private static let longestPriority = 32

    private static func priority(of stanza: Stanza) -> Int8? {
        guard let element = stanza.element.child("priority") else { return 0 }
        let text = element.text
        return text.utf8.count <= longestPriority ? Int8(text.trimmingSpaces) : nil
    }

    // MARK: Directed

    /// RFC 6121 §4.6: notes the addressee, which also gets the unavailable presence at the end.
    private static func direct(_ stanza: Stanza, _ session: Session) -> Decision<Outgoing> {
        guard let to = stanza.to else { return .next }
        let state = session[PresenceState.key] ?? PresenceState(last: stanza)
        guard state.directed.count < PresenceState.mostDirected || state.directed.contains(to) else {
            return .fail(StanzaError(.resourceConstraint, text: "Too much directed presence"))
        }
        if !state.isSubscriber(to.bareText) { state.directed.insert(to) }
        session[PresenceState.key] = state
        return .next
    }

    // MARK: Unavailable

    /// RFC 6121 §4.5: sends the stanza to all addresses that know the resource as available.
    /// - Returns: what the turn of the loop has no time for, if there is anything.
    private static func leave(_ session: Session, _ stanza: Stanza) -> PresenceFanOut.Rest? {
        guard let state = session[PresenceState.key] else { return nil }
        let host = session.host
        var copy = stanza
        copy.from = session.jid
        let wasAvailable = session.isAvailable
        session.update(flags: session.flags.subtracting(.available), priority: 0)
        session[PresenceState.key] = nil
        var targets = Array(state.directed.filter { !state.isSubscriber($0.bareText) || !wasAvailable })
        if wasAvailable, state.isLoaded {
            copy.to = session.jid.bare
            host.router.route(copy)
            targets += state.subscribers.map { JID.prepared($0) }
        }
        let (jid, connection) = (session.jid, session.connection)
        return PresenceFanOut.send(copy, to: targets) { _ in
            // Another session under the same address speaks for itself.
            host.server.session(jid).map { $0.connection == connection || !$0.flags.contains(.available) } ?? true
        } by: {
            host.router.route($0)
        }
    }

    /// Sends unavailable presence for a session of a dead worker: its contacts would go on seeing it.
    private static func announceOrphan(_ jid: JID, _ host: Host) {
        Loop.spawn {
            var targets = [jid.bareText]
            do throws(StorageError) {
                let key = UserKey(jid)
                targets += try await host.server.store.rosters.contacts(key, with: [.from, .both])
            } catch {
                Log.error("cannot announce a lost session", [Field("session", jid), Field("error", error)])
            }
            for target in targets {
                host.router.route(Stanza(.presence, type: "unavailable", from: jid, to: .prepared(target)))
                if TurnClock.isOver { await Loop.nextTurn() }
            }
        }
    }
}

extension Host {
    /// Sends unavailable presence from all of a user's sessions to contacts that see it, and returns when it has arrived, so that
    /// the next stanza to them comes after it.
    func withdrawPresence(of user: JID, from contacts: [JID]) async {
        let presence = modules.lazy.compactMap { $0 as? Presence }.first
        await presence?.withdrawal?.tell(contacts, of: user)
    }
}

extension String {
    var trimmingSpaces: Substring {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
