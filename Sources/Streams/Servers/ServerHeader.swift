internal import XML

/// The header by which this server opens its side of a stream with another server (RFC 6120 §4.7).
public struct ServerHeader: Equatable, Sendable {
    public let from: String
    /// The peer's domain as far as it gave or proved one.
    public let to: String?
    /// Ours, where the peer has opened the stream.
    public let id: String?
    /// Not for a peer that has none itself, and knows neither features nor TLS (RFC 6120 §4.7.5).
    public let hasVersion: Bool
    /// Whether the prefix `db` is declared, which says to old peers that there is dialback (XEP-0220 §2.4.1).
    public let hasDialback: Bool

    public init(from: String, to: String?, id: String? = nil, hasVersion: Bool = true, hasDialback: Bool) {
        self.from = from
        self.to = to
        self.id = id
        self.hasVersion = hasVersion
        self.hasDialback = hasDialback
    }

    /// - Parameter language: for whatever on the stream does not say its own (RFC 6120 §4.7.4).
    public func rendered(language: String) -> [UInt8] {
        var writer = ElementWriter(reserving: 320)
        writer.raw("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'")
        if hasDialback { writer.raw(" xmlns:db='jabber:server:dialback'") }
        writer.raw(" from='")
        writer.escaped(from)
        if let to {
            writer.raw("' to='")
            writer.escaped(to)
        }
        if let id {
            writer.raw("' id='")
            writer.escaped(id)
        }
        if hasVersion { writer.raw("' version='1.0") }
        writer.raw("' xml:lang='")
        writer.escaped(language)
        writer.raw("'>")
        return writer.finish()
    }
}
