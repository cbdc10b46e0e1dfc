internal import Network
internal import Storage
public import XMPP

/// Who may see a user's presence, and so may also learn what would give it away (RFC 6121 §4.3, XEP-0012, XEP-0030).
extension Host {
    /// Whether `asker` is the user itself or has a subscription to the user's presence (`from` or `both`).
    public func isPresence(of user: JID, visibleTo asker: JID) async throws(StanzaError) -> Bool {
        if asker.bare == user.bare { return true }
        let item = try await askStorage(try await server.store.rosters.item(UserKey(user), asker.bareText))
        return item?.subscription == .from || item?.subscription == .both
    }
}
