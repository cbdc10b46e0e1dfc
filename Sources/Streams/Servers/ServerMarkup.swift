public import XML
internal import XMPP

/// Elements other than stanzas as they are written on a stream between servers.
public enum ServerMarkup {
    /// COMPAT: many servers look for `stream:features`, `stream:error` and `db:result` by these names, and not by namespace, so the
    /// prefixes of the header are used (XEP-0220 §2.4.1). What is in `jabber:client` here is in `jabber:server` there.
    public static func element(_ element: Element) -> [UInt8] {
        if element.isIn(DialbackXML.namespace) { return dialback(element) }
        var writer = ElementWriter(reserving: 512)
        guard element.isIn(Namespace.stream) else {
            writer.write(element, within: Namespace.client)
            return writer.finish()
        }
        let isError = element.isNamed("error")
        writer.raw(isError ? "<stream:error>" : "<stream:features>")
        for child in element.children { writer.write(child, within: Namespace.client) }
        writer.raw(isError ? "</stream:error>" : "</stream:features>")
        return writer.finish()
    }

    private static func dialback(_ element: Element) -> [UInt8] {
        let isVerify = element.isNamed("verify")
        var writer = ElementWriter(reserving: 256)
        writer.raw(isVerify ? "<db:verify" : "<db:result")
        for (name, value) in element.attributes {
            writer.raw(" ")
            writer.raw(Array(name.utf8))
            writer.raw("='")
            writer.escaped(value)
            writer.raw("'")
        }
        writer.raw(">")
        for content in element.contents {
            switch content {
            case .element(let child): writer.write(child, within: Namespace.client)
            case .text(let text): writer.escaped(text)
            }
        }
        writer.raw(isVerify ? "</db:verify>" : "</db:result>")
        return writer.finish()
    }
}
