import Network
import Streams
import Testing
import XML
import XMPP

@testable import Worker

@Suite("The server's side of a stream as text", .timeLimit(.minutes(1)))
struct StreamMarkupTests {
    init() { precondition(Loop.runOnThread()) }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("a header escapes what a client gave, and its id is another each time")
    @LoopActor func header() {
        let response = ResponseHeader(from: "localhost", to: "o'neil@localhost")
        let texts = (0..<2).map { _ in text(StreamMarkup.header(response, language: "de")) }
        #expect(texts[0] != texts[1])
        let expected = Lines.answer.replacing("from='localhost'", with: "from='localhost' to='o&apos;neil@localhost'")
            .replacing("xml:lang='en'", with: "xml:lang='de'")
        #expect(StreamTranscript.plain(texts[0]) == expected)
    }

    @Test("features and errors have the header's prefix, and everything else the namespace of its content")
    func elements() {
        #expect(text(StreamMarkup.element(Element("features", Namespace.stream))) == "<stream:features></stream:features>")
        let error = StreamError(.reset, text: "<now>").element
        #expect(
            text(StreamMarkup.element(error)) == """
                <stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text \
                xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>&lt;now></text></stream:error>
                """)
        #expect(text(StreamMarkup.element(Element("iq", Namespace.client, ["id": "1"]))) == "<iq id='1'/>")
        #expect(text(StreamMarkup.element(Element("proceed", Namespace.tls))) == "<proceed xmlns='\(Namespace.tls)'/>")
    }
}
