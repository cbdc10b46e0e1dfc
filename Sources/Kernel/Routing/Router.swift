public import Network
public import SharedState
internal import XML
public import XMPP

/// Where a stanza goes (RFC 6120 §10, RFC 6121 §8).
///
/// `run` takes a path as far as it goes without waiting: nearly always to its end, and without an allocation. What must be
/// waited for (storage, another worker) comes back as a `PendingStep`; the sending session waits for it, so that its stanzas
/// stay in order.
@LoopActor
public final class Router {
    unowned let server: Server
    /// The path of an earlier stanza, which serves the next one.
    private var spare: StanzaPath?
    private static let before = HookPhase.validation...HookPhase.beforeRouting
    private static let after = HookPhase.afterRouting...HookPhase.archive
    private static let all = HookPhase.validation...HookPhase.archive

    init(server: Server) { self.server = server }

    // MARK: Entrances

    /// Takes a stanza of a client: checks it, stamps the session's address on it, and sends it on its way.
    func accept(_ element: Element, from session: Session) {
        guard let kind = Stanza.kind(of: element) else { return }
        server.counters.stanzasIn += 1
        var stanza = Stanza(kind, from: session.jid, to: nil, element: element)
        var isUnaddressed = true
        if let to = element["to"] {
            guard let jid = JID(to) else { return refuse(stanza, StanzaError(.jidMalformed), to: session) }
            stanza.to = jid
            isUnaddressed = false
        }
        if let error = StanzaRules.violation(stanza) { return refuse(stanza, error, to: session) }
        if isUnaddressed, kind != .presence { stanza.to = session.jid.bare }
        let path = path(Outgoing(session: session, stanza: stanza, isUnaddressed: isUnaddressed))
        run(path, for: session)
    }

    /// Takes a stanza of an external component. One without addresses, or from somebody else's domain, goes back (XEP-0114 §3).
    func accept(_ element: Element, from component: Component) {
        guard let kind = Stanza.kind(of: element) else { return }
        server.counters.stanzasIn += 1
        guard let sender = element["from"].flatMap({ JID($0) }), let to = element["to"].flatMap({ JID($0) }),
            component.maySend(from: sender)
        else { return refuse(element, kind, to: component) }
        let stanza = Stanza(kind, from: sender, to: to, element: element)
        let path = StanzaPath(stanza, from: component)
        if let error = StanzaRules.violation(stanza) { path.bounce(error) }
        run(path, for: component)
    }

    /// Takes a stanza of another server, whose stream has checked that it may come from its sender to its addressee.
    func accept(_ element: Element, from remote: RemoteServer) {
        guard let kind = Stanza.kind(of: element), let sender = element["from"].flatMap({ JID($0) }),
            let to = element["to"].flatMap({ JID($0) })
        else { return }
        server.counters.stanzasIn += 1
        let stanza = Stanza(kind, from: sender, to: to, element: element)
        let path = StanzaPath(stanza, from: remote)
        if let error = StanzaRules.violation(stanza) { path.bounce(error) }
        run(path, for: remote)
    }

    private func refuse(_ element: Element, _ kind: Stanza.Kind, to component: Component) {
        let stanza = Stanza(kind, from: nil, to: nil, element: element)
        guard StanzaRules.mayBeAnswered(stanza) else { return }
        server.counters.stanzasBounced += 1
        let error = StanzaError(.badRequest, text: "A stanza of a component has a 'to', and a 'from' of the component's own domain")
        // The addresses go back as they came: they may be none.
        let answer = stanza.failure(error).addressed.setting("from", to: element["to"]).setting("to", to: element["from"])
        component.deliver(RenderedStanza(kind, answer.rendered(within: Namespace.client)))
    }

    /// Sends a stanza to its `to`, whoever made it. The sender learns of a failure by an error stanza.
    public func route(_ stanza: Stanza) { start(StanzaPath(stanza)) }

    /// Sends a stanza to its `to`, and waits until it has been delivered, stored or refused.
    public func routeAndWait(_ stanza: Stanza) async {
        let path = StanzaPath(stanza)
        if let pending = run(path) { await finish(path, pending) }
    }

    /// Sends a stanza once more that a session had been given when it ended: archive and copies have it already.
    /// - Returns: work that must still be waited for.
    func redeliver(_ stanza: Stanza, _ ackHold: AckHold?, failures: UInt8) -> (@LoopActor () async -> Void)? {
        let path = StanzaPath(stanza, isRedelivery: true, ackHold: ackHold, failures: failures)
        guard let pending = run(path) else { return nil }
        return { [self] in await finish(path, pending) }
    }

    /// Tells the sender why its stanza was not delivered, if it may be told.
    public func bounce(_ stanza: Stanza, _ error: StanzaError) {
        guard StanzaRules.mayBeAnswered(stanza), stanza.from != nil else { return }
        server.counters.stanzasBounced += 1
        route(stanza.failure(error))
    }

    private func start(_ path: StanzaPath) {
        guard let pending = run(path) else { return }
        Loop.spawn { [self] in await finish(path, pending) }
    }

    // MARK: The way

    /// Takes a path to its end. If it must wait, the stanzas that follow from its source wait for it.
    private func run(_ path: StanzaPath, for source: some StanzaSource) {
        guard let pending = run(path) else {
            path.forget()
            if path.isReusable { spare = path }
            return
        }
        source.suspend { [self] in await finish(path, pending) }
    }

    private func path(_ outgoing: Outgoing) -> StanzaPath {
        guard let path = spare else { return StanzaPath(outgoing) }
        spare = nil
        path.begin(outgoing)
        return path
    }

    /// Takes a path as far as it goes.
    /// - Returns: work to wait for; nil at its end.
    private func run(_ path: StanzaPath) -> PendingStep? {
        while true {
            let pending: PendingStep?
            switch path.step {
            case .outgoing: pending = outgoing(path)
            case .route: pending = destination(path)
            case .incoming: pending = incoming(path)
            case .choose: pending = path.incoming?.host.delivery.choose(path)
            case .deliver: pending = path.incoming?.host.delivery.deliver(path)
            case .offline: pending = offline(path)
            case .afterIncoming: pending = afterIncoming(path)
            case .afterOutgoing: pending = afterOutgoing(path)
            case .answer:
                path.step = .done
                pending = path.hasAnswers ? send(path.takeAnswers()) : nil
            case .done: return nil
            }
            if let pending { return pending }
        }
    }

    private func finish(_ path: StanzaPath, _ pending: @escaping PendingStep) async {
        var pending: PendingStep? = pending
        while let operation = pending {
            let change = await operation()
            change(path)
            pending = run(path)
        }
    }

    private func outgoing(_ path: StanzaPath) -> PendingStep? {
        guard let session = path.sender else { return nil }
        switch session.host.hooks.outgoing.run(&path.outgoing, Self.before, &path.outgoingPosition) {
        case .waiting(let operation): return Self.resumeOutgoing(operation)
        case .passed: path.step = .route
        case .stopped: path.step = .done
        case .failed(let error):
            path.step = .done
            if let stanza = path.outgoing?.stanza { refuse(stanza, error, to: session) }
        }
        return nil
    }

    private func destination(_ path: StanzaPath) -> PendingStep? {
        guard let to = path.stanza?.to else {
            path.end()
            return nil
        }
        return server.destination(to.domain).receive(path, to: to)
    }

    private func incoming(_ path: StanzaPath) -> PendingStep? {
        guard let host = path.incoming?.host else { return nil }
        switch host.hooks.incoming.run(&path.incoming, Self.before, &path.incomingPosition) {
        case .waiting(let operation): return Self.resumeIncoming(operation)
        case .passed: path.step = .choose
        case .stopped: path.end()
        case .failed(let error): path.bounce(error)
        }
        return nil
    }

    private func offline(_ path: StanzaPath) -> PendingStep? {
        guard let host = path.incoming?.host else { return nil }
        let result = host.hooks.offlineMessage.run(&path.incoming, Self.all, &path.incomingPosition)
        let isKept = path.incoming?.isKept == true
        switch result {
        case .waiting(let operation): return Self.resumeIncoming(operation)
        case .stopped: break
        case .failed where isKept, .passed where isKept: break
        case .failed(let error): path.bounce(error)
        case .passed: path.bounce(StanzaError(.serviceUnavailable))
        }
        path.incomingPosition = HookPosition()
        path.step = .afterIncoming
        return nil
    }

    private func afterIncoming(_ path: StanzaPath) -> PendingStep? {
        if let host = path.incoming?.host,
            case .waiting(let operation) = host.hooks.incoming.run(&path.incoming, Self.after, &path.incomingPosition)
        {
            return Self.resumeIncoming(operation)
        }
        path.step = .afterOutgoing
        return nil
    }

    private func afterOutgoing(_ path: StanzaPath) -> PendingStep? {
        if let session = path.sender,
            case .waiting(let operation) = session.host.hooks.outgoing.run(&path.outgoing, Self.after, &path.outgoingPosition)
        {
            return Self.resumeOutgoing(operation)
        }
        path.step = .answer
        return nil
    }

    /// Sends the answers to a stanza on their way. The stanza waits for what they wait for, so that the answer to the sender's
    /// next stanza does not overtake them.
    private func send(_ answers: [Stanza]) -> PendingStep? {
        var waiting: [(path: StanzaPath, pending: PendingStep)] = []
        for answer in answers {
            if answer.isType("error") { server.counters.stanzasBounced += 1 }
            let path = StanzaPath(answer)
            if let pending = run(path) { waiting.append((path, pending)) }
        }
        guard !waiting.isEmpty else { return nil }
        return { [self, waiting] in
            for (path, pending) in waiting { await finish(path, pending) }
            return { _ in }
        }
    }

    private static func resumeOutgoing(_ operation: @escaping @LoopActor () async -> Decision<Outgoing>.Change) -> PendingStep {
        {
            let change = await operation()
            return { $0.outgoingPosition.change = change }
        }
    }

    private static func resumeIncoming(_ operation: @escaping @LoopActor () async -> Decision<Incoming>.Change) -> PendingStep {
        {
            let change = await operation()
            return { $0.incomingPosition.change = change }
        }
    }

    private func refuse(_ stanza: Stanza, _ error: StanzaError, to session: Session) {
        guard StanzaRules.mayBeAnswered(stanza) else { return }
        server.counters.stanzasBounced += 1
        var answer = stanza.failure(error)
        answer.to = session.jid
        guard stanza.to == nil, let wrong = stanza.element["to"] else { return session.send(answer) }
        // What is no address goes back as it came (RFC 6120 §8.3.1).
        session.deliver(answer.kind, answer.addressed.setting("from", to: wrong).rendered(within: Namespace.client))
    }

    // MARK: To sessions

    /// Delivers one stanza to sessions wherever they are, rendered once.
    /// - Parameter source: where the stanza being handled came in: its acknowledgement waits until this one has found its way.
    public func deliver(_ stanza: Stanza, to recipients: some Sequence<SessionRoute>, for source: (any StanzaSource)? = nil) {
        deliver(RenderedStanza(stanza.kind, stanza.rendered()), to: recipients, for: source)
    }

    /// Delivers a stanza that has been rendered to sessions wherever they are.
    public func deliver(
        _ stanza: RenderedStanza, to recipients: some Sequence<SessionRoute>, for source: (any StanzaSource)? = nil
    ) {
        var elsewhere: [(slot: UInt8, connections: [UInt64])] = []
        for recipient in recipients {
            server.counters.stanzasOut += 1
            if recipient.slot == server.slot {
                if let session = server.session(recipient.connection) {
                    session.deliver(stanza)
                } else {
                    server.migration.followUp(recipient.connection, .stanza(stanza))
                }
            } else if let at = elsewhere.firstIndex(where: { $0.slot == recipient.slot }) {
                elsewhere[at].connections.append(recipient.connection)
            } else {
                elsewhere.append((recipient.slot, [recipient.connection]))
            }
        }
        for (slot, connections) in elsewhere { server.forward(stanza, to: connections, at: slot, for: source) }
    }
}
