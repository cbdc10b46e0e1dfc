internal import Configuration
public import Network
public import XMPP

/// The links to other servers, which a worker provides where it federates.
@LoopActor
public protocol RemoteLinks: AnyObject {
    /// Sends a stanza from a domain of this server to one of another, in order with those before it. Its sender learns of a
    /// failure by an error stanza.
    func send(_ stanza: RenderedStanza, from local: String, to remote: String)
}

/// All domains that this server does not serve itself: their stanzas go to other servers (RFC 6120 §10.4).
@LoopActor
final class RemoteDomains: Destination {
    private unowned let server: Server

    init(_ server: Server) { self.server = server }

    func receive(_ path: StanzaPath, to: JID) -> PendingStep? {
        guard let stanza = path.stanza, let links = server.remoteLinks else {
            path.bounce(StanzaError(.remoteServerNotFound))
            return nil
        }
        // A component may speak for anybody if its listener lets it, but never to other servers.
        guard let from = stanza.from, server.serves(from.domain) else {
            path.bounce(StanzaError(.notAllowed, text: "This server does not serve the sender's domain"))
            return nil
        }
        let own = server.hostAbove(from.domain)
        if server.isSubdomain(to.domain), !server.configuration.host(own).routesSubdomains {
            path.bounce(StanzaError(.remoteServerNotFound))
            return nil
        }
        guard server.configuration.host(own).federation.allows(to.domain) else {
            path.bounce(StanzaError(.notAllowed, text: "Nothing is exchanged with \(to.domain)"))
            return nil
        }
        let rendered = RenderedStanza(stanza.kind, stanza.rendered())
        path.end()
        server.counters.stanzasOut += 1
        links.send(rendered, from: from.domain, to: to.domain)
        return nil
    }
}

extension Server {
    /// Whether a domain is served here, by a host or a component.
    public func serves(_ domain: String) -> Bool { host(domain) != nil || components.entry(domain) != nil }

    /// The host that a domain is, or is below; the default one if it is below none.
    public func hostAbove(_ domain: String) -> String {
        if host(domain) != nil { return domain }
        return nearestHost(above: domain) ?? configuration.general.defaultServerDomain
    }

    /// Whether a domain is below one of the hosts.
    func isSubdomain(_ domain: String) -> Bool { nearestHost(above: domain) != nil }

    /// Looks for one name after another with a label less: there are few labels, and there may be many hosts.
    func nearestHost(above domain: String) -> String? {
        var rest = domain[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if host(String(rest)) != nil { return String(rest) }
        }
        return nil
    }

    /// What becomes of a stanza that could not be sent to another server: its sender is told, unless the server itself had sent
    /// it, or it is an answer (RFC 6120 §8.3.1, §10.4.3).
    public func sendBack(_ stanza: RenderedStanza, _ error: StanzaError) {
        guard let read = self.stanza(stanza.bytes) else { return }
        switch read.kind {
        case .message, .iq: router.bounce(read, error)
        case .presence:
            // Of available presence only what was sent on purpose: a broadcast goes to accounts.
            let isMeant = read.type == nil ? read.to?.isFull == true : ["subscribe", "subscribed"].contains(read.type)
            if isMeant { router.bounce(read, error) }
        }
    }
}
