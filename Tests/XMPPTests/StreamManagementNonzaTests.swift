import Testing
import XMPP

@Suite("Requests and acknowledgements, read from their bytes (XEP-0198 §4)", .timeLimit(.minutes(5)))
struct StreamManagementNonzaTests {
    static let rows: [(text: String, sign: StreamManagementNonza?)] = [
        ("<r xmlns='urn:xmpp:sm:3'/>", .request),
        ("<r xmlns=\"urn:xmpp:sm:3\"/>", .request),
        ("<a xmlns='urn:xmpp:sm:3' h='0'/>", .answer(0)),
        ("<a xmlns='urn:xmpp:sm:3' h='4294967295'/>", .answer(.max)),
        ("<a h='17' xmlns='urn:xmpp:sm:3'/>", .answer(17)),
        ("<a h=\"17\" xmlns=\"urn:xmpp:sm:3\"/>", .answer(17)),
        // Anything else is read as XML.
        ("<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", nil),
        ("<a xmlns='urn:xmpp:sm:3' h='99999999999999'/>", nil),
        ("<a xmlns='urn:xmpp:sm:3' h=''/>", nil),
        ("<a xmlns='urn:xmpp:sm:3' h='-1'/>", nil),
        ("<a xmlns='urn:xmpp:sm:3' h='1\"/>", nil),
        ("<a xmlns='urn:xmpp:sm:3'/>", nil),
        ("<a xmlns='urn:xmpp:sm:3' h='1'></a>", nil),
        ("<r xmlns='urn:xmpp:sm:2'/>", nil),
        ("<r xmlns='urn:xmpp:sm:3\"/>", nil),
        ("<r xmlns='urn:xmpp:sm:3' />", nil),
        ("<r xmlns='urn:xmpp:sm:3'></r>", nil),
        ("<b xmlns='urn:xmpp:sm:3' h='1'/>", nil),
        ("<message><body>a</body></message>", nil),
        ("<a/>", nil), ("", nil),
    ]

    @Test(arguments: rows.indices) func row(_ index: Int) {
        let row = Self.rows[index]
        #expect(Array(row.text.utf8).withUnsafeBytes { StreamManagementNonza($0) } == row.sign, "\(row.text)")
    }

    /// Cut anywhere, it is never taken for something else, and never read past its end.
    @Test(arguments: rows.indices) func cut(_ index: Int) {
        let bytes = Array(Self.rows[index].text.utf8)
        for length in 0..<bytes.count {
            let part = Array(bytes[..<length])
            #expect(part.withUnsafeBytes { StreamManagementNonza($0) } == nil)
        }
    }

    @Test func whatIsWrittenIsRead() {
        #expect(StreamManagementXML.request.withUnsafeBytes { StreamManagementNonza($0) } == .request)
        #expect(StreamManagementXML.answer(5).withUnsafeBytes { StreamManagementNonza($0) } == .answer(5))
    }
}
