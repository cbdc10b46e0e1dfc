public import Network
public import SharedState
internal import XML
public import XMPP

/// Where a stanza goes (RFC 6120 §10, RFC 6121 §8).
///
/// Everything is synchronous as long as nothing must be asked of storage; what is left over then is a `Rest`, which
/// the sending session waits for, so that its stanzas stay in order. What goes along the way is large and passed on in
/// place; only what waits has a copy of it.
@LoopActor
public final class Router {
    unowned let server: Server

    init(server: Server) { self.server = server }

    // MARK: From a client

    /// Takes what a client sent: checks it, stamps its address on it, asks the modules, routes it.
    func accept(_ element: Element, from session: Session) {
        guard let kind = Stanza.kind(of: element) else { return }
        server.counters.stanzasIn += 1
        var stanza = Stanza(kind, from: session.jid, to: nil, element: element)
        var isUnaddressed = true
        if let to = element["to"] {
            guard let jid = JID(to) else {
                return refuse(stanza, StanzaError(.jidMalformed), to: session)
            }
            stanza.to = jid
            isUnaddressed = false
        }
        if let error = StanzaRules.violation(stanza) { return refuse(stanza, error, to: session) }
        if isUnaddressed, kind != .presence { stanza.to = session.jid.bare }
        var outgoing = Outgoing(session: session, stanza: stanza, isUnaddressed: isUnaddressed)
        if let rest = send(&outgoing) { session.hold(rest) }
    }

    private static let before = HookPhase.validation...HookPhase.beforeRouting
    private static let after = HookPhase.afterRouting...HookPhase.archive

    private func send(_ outgoing: inout Outgoing) -> Rest? {
        let host = outgoing.session.host
        switch host.hooks.outgoing.run(&outgoing, Self.before) {
        case .waiting(let index, let operation):
            return { [self, outgoing] in
                var outgoing = outgoing
                let outcome = await host.hooks.outgoing.finish(&outgoing, Self.before, from: index, operation)
                await sent(&outgoing, outcome)?()
            }
        case let outcome: return sent(&outgoing, outcome)
        }
    }

    private func sent(_ outgoing: inout Outgoing, _ outcome: ChainResult) -> Rest? {
        switch outcome {
        case .stopped, .waiting: return nil
        case .failed(let error):
            refuse(outgoing.stanza, error, to: outgoing.session)
            return nil
        case .passed:
            guard let rest = route(outgoing.stanza, from: outgoing.session, record: outgoing.record) else { return copies(&outgoing) }
            return { [self, outgoing] in
                var outgoing = outgoing
                await rest()
                await copies(&outgoing)?()
            }
        }
    }

    private func copies(_ outgoing: inout Outgoing) -> Rest? {
        let chain = outgoing.session.host.hooks.outgoing
        guard case .waiting(let index, let operation) = chain.run(&outgoing, Self.after) else { return nil }
        return { [outgoing] in
            var outgoing = outgoing
            _ = await chain.finish(&outgoing, Self.after, from: index, operation)
        }
    }

    private func refuse(_ stanza: Stanza, _ error: StanzaError, to session: Session) {
        guard StanzaRules.mayBeAnswered(stanza) else { return }
        var answer = stanza.failure(error)
        // The address that was wrong goes back as it came (RFC 6120 §8.3.1).
        if stanza.to == nil, let to = stanza.element["to"] { answer.element = answer.element.setting("from", to: to) }
        answer.to = session.jid
        session.send(answer)
    }

    // MARK: To anybody

    /// Sends a stanza to its `to`, whoever made it. The sender learns of a failure by an error stanza.
    public func route(_ stanza: Stanza) {
        if let rest = route(stanza, from: nil) { Loop.spawn(rest) }
    }

    /// The same for a caller that waits.
    public func routeAndWait(_ stanza: Stanza) async { await route(stanza, from: nil)?() }

    /// The same for a stanza that was delivered to a session which ended before its client had it.
    func redeliver(_ stanza: Stanza, _ ackHold: AckHold?, failures: UInt8) -> Rest? {
        route(stanza, from: nil, isRedelivery: true, ackHold: ackHold, failures: failures)
    }

    private func route(
        _ stanza: Stanza, from session: Session?, record: (any StanzaRecord)? = nil, isRedelivery: Bool = false,
        ackHold: AckHold? = nil, failures: UInt8 = 0
    ) -> Rest? {
        guard let to = stanza.to else { return nil }
        guard let host = server.host(to.domain) else {
            bounce(stanza, StanzaError(.remoteServerNotFound))
            return nil
        }
        if to.isDomain { return host.answerer.answer(stanza, at: .server, from: session) }
        var incoming = Incoming(
            host: host, stanza: stanza, to: to, sender: session, record: record, isRedelivery: isRedelivery,
            ackHold: ackHold, failures: failures)
        switch host.hooks.incoming.run(&incoming, Self.before) {
        case .waiting(let index, let operation):
            return { [self, incoming] in
                var incoming = incoming
                let outcome = await host.hooks.incoming.finish(&incoming, Self.before, from: index, operation)
                await take(&incoming, outcome, session)?()
            }
        case let outcome: return take(&incoming, outcome, session)
        }
    }

    private func take(_ incoming: inout Incoming, _ outcome: ChainResult, _ session: Session?) -> Rest? {
        switch outcome {
        case .stopped, .waiting: return nil
        case .failed(let error):
            bounce(incoming.stanza, error)
            return nil
        case .passed: return incoming.host.delivery.deliver(&incoming, from: session)
        }
    }

    /// Runs what follows the delivery of a stanza to an account.
    func delivered(_ incoming: inout Incoming) -> Rest? {
        let chain = incoming.host.hooks.incoming
        guard case .waiting(let index, let operation) = chain.run(&incoming, Self.after) else { return nil }
        return { [incoming] in
            var incoming = incoming
            _ = await chain.finish(&incoming, Self.after, from: index, operation)
        }
    }

    /// Tells the sender why its stanza was not delivered, if it may be told.
    public func bounce(_ stanza: Stanza, _ error: StanzaError) {
        guard StanzaRules.mayBeAnswered(stanza), stanza.from != nil else { return }
        route(stanza.failure(error))
    }

    // MARK: To sessions

    /// Delivers one stanza to sessions wherever they are, rendered once.
    /// - Parameter sender: the local session whose stanza is being worked on; it is acknowledged when the stanza has found its way.
    public func deliver(_ stanza: Stanza, to recipients: some Sequence<SessionRoute>, for sender: Session? = nil) {
        deliver(RenderedStanza(stanza.kind, stanza.rendered()), to: recipients, for: sender)
    }

    /// The same for a stanza that has been rendered.
    public func deliver(
        _ stanza: RenderedStanza, to recipients: some Sequence<SessionRoute>, for sender: Session? = nil
    ) {
        var elsewhere: [(slot: UInt8, connections: [UInt64])] = []
        for recipient in recipients {
            server.counters.stanzasOut += 1
            if recipient.slot == server.slot {
                if let session = server.session(recipient.connection) {
                    session.deliver(stanza)
                } else {
                    server.migration.forward(stanza, to: recipient.connection)
                }
            } else if let at = elsewhere.firstIndex(where: { $0.slot == recipient.slot }) {
                elsewhere[at].connections.append(recipient.connection)
            } else {
                elsewhere.append((recipient.slot, [recipient.connection]))
            }
        }
        for (slot, connections) in elsewhere { server.forward(stanza, to: connections, at: slot, for: sender) }
    }
}
