internal import Authentication
internal import Network
internal import SharedState
internal import XML
internal import XMPP

/// Chooses which sessions of an account get a stanza (RFC 6121 §8.5), and hands it to them.
@LoopActor
final class Delivery {
    private unowned let host: Host

    init(host: Host) { self.host = host }

    // MARK: Choosing

    func choose(_ path: StanzaPath) -> PendingStep? {
        guard let to = path.incoming?.to, let kind = path.incoming?.stanza.kind else { return nil }
        if to.isFull, let route = host.server.session(to), isWithinReach(route, path.failures) {
            Self.send(path, to: [route])
            return nil
        }
        switch kind {
        case .message: return chooseForMessage(path, to)
        case .iq:
            guard to.isFull else { return path.incoming.flatMap { answerForAccount(path, $0) } }
            path.bounce(StanzaError(.serviceUnavailable))
            return nil
        case .presence:
            guard to.isBare, let stanza = path.incoming?.stanza, let wanted = Self.flags(ofPresence: stanza) else {
                path.end()
                return nil
            }
            let chosen = host.server.sessions(of: to).filter { !$0.flags.isDisjoint(with: wanted) }
            if chosen.isEmpty { path.end() } else { Self.send(path, to: chosen) }
            return nil
        }
    }

    /// Which sessions of an account get presence that is for none of them alone; nil: what the presence module has dealt with.
    private static func flags(ofPresence stanza: Stanza) -> SessionFlags? {
        switch stanza.type {
        case nil, "unavailable": .available
        // What came of a request that was made in the account's name (RFC 6121 §3.1.2).
        case "error": [.available, .interested]
        default: nil
        }
    }

    private static func send(_ path: StanzaPath, to chosen: [SessionRoute]) {
        path.chosen = chosen
        path.step = .deliver
    }

    // Only what is needed of `incoming` is read: a copy of all of it would be most of the work.
    private func chooseForMessage(_ path: StanzaPath, _ to: JID) -> PendingStep? {
        let routes = sessions(of: to.bare, path.failures)
        let type = MessageRules.MessageType(path.incoming?.stanza.type)
        // Nearly always there is one resource, and it takes messages: the rules have nothing to choose from.
        if routes.count == 1, routes[0].flags.contains(.available), routes[0].priority >= 0, to.isBare,
            type == .chat || type == .normal
        {
            path.incoming?.sessions = routes
            Self.send(path, to: routes)
            return nil
        }
        let resources = routes.map {
            MessageRules.Resource(priority: $0.priority, isAvailable: $0.flags.contains(.available))
        }
        let way =
            to.isFull
            ? MessageRules.toMissingResource(type, resources) : MessageRules.toAccount(type, resources)
        switch way {
        case .deliver(let chosen):
            path.incoming?.sessions = routes
            Self.send(path, to: chosen.count == routes.count ? routes : chosen.map { routes[$0] })
        case .offline: return chooseOffline(to.bare, path.failures, hasSession: !routes.isEmpty)
        case .refuse: path.bounce(StanzaError(.serviceUnavailable))
        case .ignore: path.end()
        }
        return nil
    }

    /// Decides on a message that no session takes: an account's may be stored, any other is an error (RFC 6121 §8.5.1).
    private func chooseOffline(_ user: JID, _ failures: UInt8, hasSession: Bool) -> PendingStep {
        { [self, host] in
            let exists = hasSession ? true : await host.accounts.exists(user.local)
            // A resource may have appeared while storage was asked.
            let routes = sessions(of: user, failures).filter { $0.flags.contains(.available) && $0.priority >= 0 }
            return { path in
                if !exists {
                    path.bounce(StanzaError(.serviceUnavailable))
                } else if routes.isEmpty {
                    path.step = .offline
                } else {
                    Self.send(path, to: routes)
                }
            }
        }
    }

    private func sessions(of user: JID, _ failures: UInt8) -> [SessionRoute] {
        let all = host.server.sessions(of: user)
        return failures < Self.mostFailures ? all : all.filter { isWithinReach($0, failures) }
    }

    /// Times that the mesh may refuse a stanza; after that only sessions of this worker are chosen, or none. A hanging worker
    /// with a full pipe must not keep the others busy.
    private static let mostFailures = 2

    private func isWithinReach(_ route: SessionRoute, _ failures: UInt8) -> Bool {
        failures < Self.mostFailures || route.slot == host.server.slot
    }

    /// Answers a request on behalf of an account. An asker that may not know gets the same error after the same look-ups
    /// whether or not the account exists: neither the error nor its time tells (RFC 6121 §8.5.1).
    private func answerForAccount(_ path: StanzaPath, _ incoming: Incoming) -> PendingStep? {
        let (stanza, user, sender) = (incoming.stanza, incoming.user, path.sender)
        guard stanza.isRequest, let asker = stanza.from, asker.bare != user else {
            return host.dispatcher.dispatch(stanza, at: .account, path)
        }
        switch stanza.element.firstChild.map({ host.iq.audience(of: $0) }) ?? .owner {
        case .owner:
            path.bounce(StanzaError(.serviceUnavailable))
            return nil
        case .contacts:
            return { [host] in
                do throws(StanzaError) {
                    guard try await host.isPresence(of: user, visibleTo: asker) else { throw StanzaError(.serviceUnavailable) }
                } catch {
                    return { $0.bounce(error) }
                }
                return await host.dispatcher.answer(stanza, at: .account, from: sender)
            }
        case .everyone:
            return { [host] in
                await host.dispatcher.answer(stanza, at: .account, from: sender, orElse: StanzaError(.serviceUnavailable))
            }
        }
    }

    // MARK: Handing over

    /// Hands the stanza to the sessions that were chosen. While the send window of their worker is full, the path waits, and
    /// with it the sender's next stanzas.
    func deliver(_ path: StanzaPath) -> PendingStep? {
        let server = host.server
        if path.ackHold == nil { path.ackHold = ackHold(for: path) }
        if path.ackHold != nil, let full = path.chosen.first(where: { !server.ackHolds.hasRoom(in: $0.slot) }) {
            return {
                await server.ackHolds.waitForRoom(in: full.slot)
                return { _ in }
            }
        }
        guard let kind = path.incoming?.stanza.kind, let bytes = path.incoming?.stanza.rendered() else { return nil }
        let stanza = RenderedStanza(kind, bytes, path.ackHold, failures: path.failures)
        path.ackHold = nil
        server.router.deliver(stanza, to: path.chosen, for: path.source)
        path.incoming?.recipients = path.chosen
        path.step = .afterIncoming
        return nil
    }

    /// Holds the acknowledgement of a message that the offline store would accept until the recipient's client has it or it is
    /// stored, so that a worker that crashes loses no acknowledged message. An archived message needs no hold.
    private func ackHold(for path: StanzaPath) -> AckHold? {
        guard path.incoming?.stanza.kind == .message, path.incoming?.isKept == false, let source = path.incoming?.source,
            source.acknowledges, let store = host.offlineStore, let element = path.incoming?.stanza.element,
            store.accepts(element)
        else { return nil }
        return AckHold(of: source.deferAck(), host.server.ackHolds)
    }
}
