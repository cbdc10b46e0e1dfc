internal import Kernel
internal import Network
internal import SASL
internal import Streams
internal import XML
internal import XMPP

/// The server's side of a stream as text (RFC 6120 §4.7, §4.8).
enum StreamMarkup {
    /// - Parameter language: `general.language`, for whatever on the stream does not say its own (RFC 6120 §4.7.4).
    @LoopActor static func header(_ header: ResponseHeader, language: String) -> [UInt8] {
        var writer = ElementWriter(reserving: 256)
        writer.raw("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='")
        writer.escaped(randomName())
        writer.raw("' from='")
        writer.escaped(header.from)
        if let to = header.to {
            writer.raw("' to='")
            writer.escaped(to)
        }
        writer.raw("' version='1.0' xml:lang='")
        writer.escaped(language)
        writer.raw("'>")
        return writer.finish()
    }

    /// The header of a component's stream (XEP-0114 §3).
    static func componentHeader(from domain: String?, id: String) -> [UInt8] {
        var writer = ElementWriter(reserving: 256)
        writer.raw("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ")
        writer.raw("xmlns:stream='http://etherx.jabber.org/streams' id='")
        writer.escaped(id)
        if let domain {
            writer.raw("' from='")
            writer.escaped(domain)
        }
        writer.raw("'>")
        return writer.finish()
    }

    /// The empty handshake by which a component is accepted.
    static let handshake = Array("<handshake/>".utf8)

    /// A top-level element. COMPAT: many clients look for `stream:features` and `stream:error` by these names and not
    /// by namespace (libstrophe, 2023), so the prefix of the header is used.
    static func element(_ element: Element) -> [UInt8] {
        guard element.isIn(Namespace.stream) else { return element.rendered(within: Namespace.client) }
        let isError = element.isNamed("error")
        var writer = ElementWriter(reserving: 512)
        writer.raw(isError ? "<stream:error>" : "<stream:features>")
        for child in element.children { writer.write(child, within: Namespace.client) }
        writer.raw(isError ? "</stream:error>" : "</stream:features>")
        return writer.finish()
    }

    /// A name that cannot be guessed: for stream ids (RFC 6120 §4.7.3) and resources of the server's choice (§7.6).
    @LoopActor static func randomName() -> String {
        String(decoding: RandomPool.take(20).map { digits[Int($0 & 31)] }, as: UTF8.self)
    }

    private static let digits = Array("23456789abcdefghijkmnpqrstuvwxyz".utf8)
}
