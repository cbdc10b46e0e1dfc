import Streams
import Testing
import XML
import XMPP

@Suite("What is written on a stream between servers", .timeLimit(.minutes(1)))
struct ServerMarkupTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("Headers")
    func headers() {
        let full = ServerHeader(from: "example.net", to: "o'neil.example", id: "<1>", hasDialback: true)
        #expect(
            text(full.rendered(language: "de")) == """
                <?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
                xmlns:db='jabber:server:dialback' from='example.net' to='o&apos;neil.example' id='&lt;1&gt;' version='1.0' xml:lang='de'>
                """)
        let bare = ServerHeader(from: "example.net", to: nil, hasVersion: false, hasDialback: false)
        #expect(
            text(bare.rendered(language: "en")) == """
                <?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
                from='example.net' xml:lang='en'>
                """)
    }

    @Test("Features, errors and dialback have the header's prefixes; what is a client's is a server's there")
    func elements() {
        let error = "<error type='cancel'><item-not-found xmlns='\(Namespace.stanzas)'/></error>"
        let table: [(String, String)] = [
            ("<stream:features><a xmlns='urn:x'/></stream:features>", "<stream:features><a xmlns='urn:x'/></stream:features>"),
            ("<stream:error/>", "<stream:error></stream:error>"),
            (
                "<result xmlns='jabber:server:dialback' from='a' to='b'>k&lt;</result>",
                "<db:result from='a' to='b'>k&lt;</db:result>"
            ),
            (
                "<db:verify id='&apos;' type='error'>\(error)</db:verify>",
                "<db:verify id='&apos;' type='error'>\(error)</db:verify>"
            ),
            ("<iq id='1'/>", "<iq id='1'/>"), (ServerWords.proceed, ServerWords.proceed),
        ]
        for (read, written) in table { #expect(text(ServerMarkup.element(serverXML(read))) == written) }
    }

    @Test("What is written is read as the same again")
    func again() {
        for text in [ServerWords.verify("a", "b", "c", "d"), "<iq id='1'><x xmlns='urn:x'/></iq>"] {
            let element = serverXML(text)
            #expect(serverXML(String(decoding: ServerMarkup.element(element), as: UTF8.self)) == element)
        }
    }
}
