internal import Authentication
internal import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import XML
internal import XMPP

/// RFC 6121 §3: subscription requests, approvals and cancellations, on both sides.
@LoopActor
final class Subscriptions {
    private unowned let host: Host

    init(host: Host) { self.host = host }

    private var rosters: RosterRepository { host.server.store.rosters }

    // MARK: The user's own stanzas

    func send(_ kind: SubscriptionRules.Kind, _ stanza: Stanza, from user: JID, to contact: JID) async -> Decision<Outgoing> {
        guard user != contact else { return .stop }
        let text = contact.description
        let change: RosterChange
        do throws(StanzaError) {
            change = try await modify(user, contact) { SubscriptionRules.outbound(kind, contact: text, $0).item }
        } catch {
            return .fail(error)
        }
        let effect = SubscriptionRules.outbound(kind, contact: text, change.old)
        if effect.endsPresence { await host.withdrawPresence(of: user, from: [contact]) }
        Roster.announce(change, contact, user, host)
        guard effect.isRouted else { return .stop }
        var stanza = stanza
        stanza.from = user
        stanza.to = contact
        await host.router.routeAndWait(stanza)
        if effect.beginsPresence { PresenceState.sendPresence(of: user, to: contact, host) }
        return .stop
    }

    // MARK: A contact's stanzas

    func receive(_ kind: SubscriptionRules.Kind, _ stanza: Stanza, from contact: JID, to user: JID) async -> Decision<Incoming> {
        var stanza = stanza
        stanza.from = contact
        stanza.to = user
        guard contact != user, await host.accounts.exists(user.local) else { return .stop }
        let text = contact.description
        let bytes = stanza.rendered()
        let kept = kind == .subscribe ? WaitingRequests.kept(stanza, bytes) : []
        let change: RosterChange
        do throws(StanzaError) {
            change = try await modify(user, contact) {
                SubscriptionRules.inbound(kind, contact: text, $0, stanza: kept).item
            }
        } catch {
            return kind == .subscribe ? .fail(error) : .stop
        }
        let effect = SubscriptionRules.inbound(kind, contact: text, change.old, stanza: kept)
        if effect.isApproved {
            await host.router.routeAndWait(Stanza(.presence, type: "subscribed", from: user, to: contact))
            PresenceState.sendPresence(of: user, to: contact, host)
            return .stop
        }
        guard effect.isDelivered else { return .stop }
        // Available resources get a request, interested resources all the others (RFC 6121 §3.1.3, §3.1.6).
        let wanted: SessionFlags = kind == .subscribe ? .available : .interested
        host.router.deliver(
            RenderedStanza(.presence, bytes), to: host.server.sessions(of: user).filter { $0.flags.contains(wanted) })
        // Before the roster's change, by which the sessions forget that the contact sees them.
        if effect.endsPresence { await host.withdrawPresence(of: user, from: [contact]) }
        Roster.announce(change, contact, user, host)
        return .stop
    }

    private func modify(
        _ user: JID, _ contact: JID, _ change: @escaping @Sendable (RosterItem?) -> RosterItem?
    ) async throws(StanzaError) -> RosterChange {
        switch try await askStorage(try await rosters.modify(UserKey(user), contact.description, change)) {
        case .done(let change): return change
        case .full: throw StanzaError(.resourceConstraint, text: "The roster is full")
        }
    }
}
