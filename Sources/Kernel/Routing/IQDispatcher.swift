internal import Network
internal import XML
internal import XMPP

/// Answers what is addressed to the host itself, or to an account on whose behalf the server answers.
@LoopActor
final class IQDispatcher {
    private unowned let host: Host

    init(host: Host) { self.host = host }

    /// Answers a stanza.
    /// - Returns: work to wait for, where the handler does not answer at once.
    func dispatch(_ stanza: Stanza, at scope: IQHandlers.Scope, _ path: StanzaPath) -> PendingStep? {
        guard stanza.kind == .iq else {
            rejectOther(stanza, at: scope, path)
            return nil
        }
        guard let (handler, request) = find(stanza, at: scope, from: path.sender) else {
            // An answer has gone to the request that waits for it. A request without a handler or a payload is refused.
            if stanza.isRequest { path.bounce(StanzaError(.serviceUnavailable)) } else { path.end() }
            return nil
        }
        switch handler {
        case .immediate(let answer):
            do throws(StanzaError) {
                path.answer(stanza.result(try answer(request)))
            } catch {
                path.bounce(error)
            }
            return nil
        case .waiting(let answer):
            return { await Self.wait { () async throws(StanzaError) in stanza.result(try await answer(request)) } }
        case .rendered(let answer):
            return { await Self.wait { () async throws(StanzaError) in stanza.result(rendered: try await answer(request)) } }
        }
    }

    /// Answers a request for a caller that waits anyway.
    /// - Parameter hidden: takes the place of any error of the handler.
    func answer(
        _ stanza: Stanza, at scope: IQHandlers.Scope, from sender: Session?, orElse hidden: StanzaError? = nil
    ) async -> @LoopActor (StanzaPath) -> Void {
        guard let (handler, request) = find(stanza, at: scope, from: sender) else {
            return { $0.bounce(StanzaError(.serviceUnavailable)) }
        }
        switch handler {
        case .immediate(let answer):
            do throws(StanzaError) {
                let result = stanza.result(try answer(request))
                return { $0.answer(result) }
            } catch {
                return { $0.bounce(hidden ?? error) }
            }
        case .waiting(let answer):
            return await Self.wait(orElse: hidden) { () async throws(StanzaError) in stanza.result(try await answer(request)) }
        case .rendered(let answer):
            return await Self.wait(orElse: hidden) { () async throws(StanzaError) in
                stanza.result(rendered: try await answer(request))
            }
        }
    }

    private static func wait(
        orElse hidden: StanzaError? = nil, for answer: @LoopActor () async throws(StanzaError) -> Stanza
    ) async -> @LoopActor (StanzaPath) -> Void {
        do throws(StanzaError) {
            let result = try await answer()
            return { $0.answer(result) }
        } catch {
            return { $0.bounce(hidden ?? error) }
        }
    }

    /// Finds the handler of a request. An answer goes to the request of ours that waits for it, and has no handler.
    private func find(
        _ stanza: Stanza, at scope: IQHandlers.Scope, from sender: Session?
    ) -> (IQHandlers.Handler, IQRequest)? {
        guard stanza.isRequest else {
            host.server.pending.answered(stanza)
            return nil
        }
        guard let payload = stanza.element.firstChild, let from = stanza.from, let to = stanza.to,
            let handler = host.iq.handler(for: payload, at: scope)
        else { return nil }
        let session = sender?.jid == from ? sender : nil
        return (handler, IQRequest(host: host, stanza: stanza, payload: payload, from: from, to: to, session: session))
    }

    /// Refuses a message to the host's own address, which nobody reads (RFC 6120 §10.5.2 leaves it to us); presence to it means
    /// nothing.
    private func rejectOther(_ stanza: Stanza, at scope: IQHandlers.Scope, _ path: StanzaPath) {
        if stanza.kind == .message, scope == .server, !stanza.isType("headline") {
            path.bounce(StanzaError(.serviceUnavailable))
        } else {
            path.end()
        }
    }
}
