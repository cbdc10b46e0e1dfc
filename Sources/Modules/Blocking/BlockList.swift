internal import XMPP

/// The block list of a user, with the rules of XEP-0191 §5, without a server around them.
struct BlockList: Sendable, Equatable {
    /// The stored addresses, in order.
    let addresses: [String]
    private let blocked: Set<JID>

    init(_ addresses: [String]) {
        self.addresses = addresses
        blocked = Set(addresses.map { JID.prepared($0) })
    }

    /// Whether the list has the address itself, that without its resource, or its domain.
    func blocks(_ jid: JID) -> Bool {
        guard !blocked.isEmpty else { return false }
        return blocked.contains(jid) || blocked.contains(jid.bare) || blocked.contains(jid.server)
    }

    /// The addresses of `known` that the list blocks, and listed resources whose account is known. Reads each address of
    /// either side once.
    func matches(among known: Set<JID>) -> Set<JID> {
        var matches = known.filter(blocks)
        for address in blocked where address.isFull && known.contains(address.bare) { matches.insert(address) }
        return matches
    }
}
