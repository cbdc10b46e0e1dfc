/// Namespace names of the protocol itself; that of an extension stands in the module that speaks it.
public enum Namespace {
    public static let client = "jabber:client"
    public static let server = "jabber:server"
    public static let stream = "http://etherx.jabber.org/streams"
    public static let streams = "urn:ietf:params:xml:ns:xmpp-streams"
    public static let stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
    public static let tls = "urn:ietf:params:xml:ns:xmpp-tls"
    public static let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
    public static let compression = "http://jabber.org/protocol/compress"
    public static let compressionFeature = "http://jabber.org/features/compress"
    public static let bind = "urn:ietf:params:xml:ns:xmpp-bind"
    public static let session = "urn:ietf:params:xml:ns:xmpp-session"
    public static let roster = "jabber:iq:roster"
    public static let register = "jabber:iq:register"
    public static let registerFeature = "http://jabber.org/features/iq-register"
    public static let delay = "urn:xmpp:delay"
}

/// Those of extensions of which more than one module knows.
extension Namespace {
    public static let carbons = "urn:xmpp:carbons:2"
    public static let chatMarkers = "urn:xmpp:chat-markers:0"
    public static let chatStates = "http://jabber.org/protocol/chatstates"
    public static let forward = "urn:xmpp:forward:0"
    public static let hints = "urn:xmpp:hints"
    /// What a room says to and of its occupants.
    public static let mucUser = "http://jabber.org/protocol/muc#user"
}
