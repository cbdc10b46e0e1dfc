internal import Network
internal import XMPP

/// The receiver of all stanzas for a domain: a host, or what else a domain stands for.
@LoopActor
protocol Destination: AnyObject {
    /// Takes a stanza whose `to` is of this domain, and sets the step with which its path goes on.
    /// - Returns: work that must be waited for first.
    func receive(_ path: StanzaPath, to: JID) -> PendingStep?
}

/// A domain that this server neither hosts nor can reach.
@LoopActor
final class UnreachableDomain: Destination {
    nonisolated init() {}

    /// RFC 6120 §8.3.3.16.
    func receive(_ path: StanzaPath, to: JID) -> PendingStep? {
        path.bounce(StanzaError(.remoteServerNotFound))
        return nil
    }
}

extension Host: Destination {
    func receive(_ path: StanzaPath, to: JID) -> PendingStep? {
        guard let stanza = path.stanza else { return nil }
        if to.isDomain { return dispatcher.dispatch(stanza, at: .server, path) }
        path.enter(self, stanza, to: to)
        return nil
    }
}
