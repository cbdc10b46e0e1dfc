internal import XML
internal import XMPP

/// What clients ask of the stream when they have a session already. These are stanzas like others, which both sides count
/// (XEP-0198 §4), so they are not answered by the stream.
extension Declarations {
    /// What every host has, whichever modules it has.
    static func ofHost() -> Declarations {
        var declarations = Declarations()
        declarations.features.serverIdentities = [.init(category: "server", type: "im", name: "xmppd")]
        declarations.features.accountIdentities = [.init(category: "account", type: "registered")]
        declarations.answerSessionRequests()
        return declarations
    }

    private mutating func answerSessionRequests() {
        // The session of RFC 3921 §3, which needs nothing any more.
        iq.on("session", Namespace.session, at: .account, .server) { (request) throws(StanzaError) in
            guard request.session != nil else { throw StanzaError(.serviceUnavailable) }
            guard request.isSet else { throw StanzaError(.badRequest) }
            return nil
        }
        // A second binding (RFC 6120 §7.6.2.3).
        iq.on("bind", Namespace.bind, at: .account, .server) { (request) throws(StanzaError) in
            throw StanzaError(request.session == nil ? .serviceUnavailable : .notAllowed)
        }
    }
}
