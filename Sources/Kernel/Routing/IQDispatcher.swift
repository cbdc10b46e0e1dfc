internal import Network
internal import XML
internal import XMPP

/// Answers what is addressed to the host itself, or to an account on whose behalf the server answers.
@LoopActor
final class IQDispatcher {
    private unowned let host: Host

    init(host: Host) { self.host = host }

    func answer(_ stanza: Stanza, at scope: IQHandlers.Scope, from session: Session?) -> Rest? {
        guard stanza.kind == .iq else { return other(stanza, at: scope) }
        guard stanza.isRequest else {
            host.server.pending.answered(stanza)
            return nil
        }
        guard let payload = stanza.element.firstChild, let from = stanza.from, let to = stanza.to else { return nil }
        guard let handler = host.iq.handler(for: payload, at: scope) else {
            host.router.bounce(stanza, StanzaError(.serviceUnavailable))
            return nil
        }
        let request = IQRequest(
            host: host, stanza: stanza, payload: payload, from: from, to: to,
            session: session?.jid == from ? session : nil)
        switch handler {
        case .immediate(let answer):
            do throws(StanzaError) {
                let result = try answer(request)
                host.router.route(stanza.result(result))
            } catch {
                host.router.bounce(stanza, error)
            }
            return nil
        case .waiting(let answer):
            return { [host] in
                do throws(StanzaError) {
                    let result = try await answer(request)
                    host.router.route(stanza.result(result))
                } catch {
                    host.router.bounce(stanza, error)
                }
            }
        }
    }

    /// Messages to a host's own address have no reader (RFC 6120 §10.5.2 leaves it to us); presence to it means nothing.
    private func other(_ stanza: Stanza, at scope: IQHandlers.Scope) -> Rest? {
        if stanza.kind == .message, scope == .server, !stanza.isType("headline") {
            host.router.bounce(stanza, StanzaError(.serviceUnavailable))
        }
        return nil
    }
}
