internal import XML
internal import XMPP

extension Element {
    /// A stanza that names the namespace of servers itself, as one of a client: as if it had not. Others are as they are.
    var inClientNamespace: Element {
        guard isIn(Namespace.server) else { return self }
        let limits = Limits(bytes: .max, depth: Limits.deepest, attributes: .max)
        let read = try? rendered(within: Namespace.server).withUnsafeBytes {
            try ElementParser().element($0, in: .client, limits: limits)
        }
        return read ?? self
    }
}
