public import Storage
public import XMPP

extension UserKey {
    /// The account of an address of a user's.
    public init(_ jid: JID) { self.init(user: jid.local, domain: jid.domain) }
}
