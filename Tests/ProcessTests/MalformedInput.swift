/// What no client should send, and the stream error that RFC 6120 §4.9.3 names for it.
struct MalformedInput: CustomStringConvertible, Sendable {
    enum Place: Sendable {
        /// Instead of a stream header.
        case first
        /// After the features.
        case negotiating
        /// With a session.
        case established
    }

    let name: String
    let places: [Place]
    let bytes: [UInt8]
    let condition: String

    var description: String { name }

    init(_ name: String, _ places: Place..., bytes: [UInt8], _ condition: String) {
        self.name = name
        self.places = places
        self.bytes = bytes
        self.condition = condition
    }

    init(_ name: String, _ places: Place..., text: String, _ condition: String) {
        self.name = name
        self.places = places
        bytes = Array(text.utf8)
        self.condition = condition
    }

    private static func header(
        _ attributes: String = "to='localhost' version='1.0'", content: String = "jabber:client",
        stream: String = "http://etherx.jabber.org/streams"
    ) -> String {
        "<?xml version='1.0'?><stream:stream \(attributes) xmlns='\(content)' xmlns:stream='\(stream)'>"
    }

    static let all = headers + elements + tooMuch + sequences

    private static let headers = [
        MalformedInput("a request of HTTP", .first, text: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-well-formed"),
        MalformedInput("a ClientHello", .first, bytes: [0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0, 0, 1, 3], "not-well-formed"),
        MalformedInput("zeros", .first, bytes: Array(repeating: 0, count: 64), "unsupported-encoding"),
        MalformedInput("no version", .first, text: header("to='localhost'"), "unsupported-version"),
        MalformedInput("version 0.9", .first, text: header("to='localhost' version='0.9'"), "unsupported-version"),
        MalformedInput("another namespace of streams", .first, text: header(stream: "urn:example:streams"), "invalid-namespace"),
        MalformedInput("another content namespace", .first, text: header(content: "jabber:server"), "invalid-namespace"),
        MalformedInput(
            "another root", .first,
            text:
                "<stream:flow to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
            "bad-format"),
        MalformedInput("a root in no namespace", .first, text: "<stream to='localhost' version='1.0'>", "invalid-namespace"),
        MalformedInput("an unbound prefix", .first, text: "<stream:stream to='localhost' version='1.0'>", "not-well-formed"),
        MalformedInput("an unknown host", .first, text: header("to='verona.example' version='1.0'"), "host-unknown"),
        MalformedInput("no host", .first, text: header("version='1.0'"), "host-unknown"),
        MalformedInput("a host that is no address", .first, text: header("to='@' version='1.0'"), "improper-addressing"),
        MalformedInput("another encoding", .first, text: "<?xml version='1.0' encoding='ISO-8859-1'?>", "unsupported-encoding"),
        MalformedInput("a DOCTYPE", .first, text: "<?xml version='1.0'?><!DOCTYPE stream [<!ENTITY a 'b'>]>", "restricted-xml"),
    ]

    private static let elements = [
        MalformedInput(
            "bytes that are no UTF-8", .negotiating, .established,
            bytes: Array("<message><body>".utf8) + [0xC3, 0x28] + Array("</body></message>".utf8), "unsupported-encoding"),
        MalformedInput(
            "an overlong character", .established,
            bytes: Array("<message><body>".utf8) + [0xC0, 0xBC] + Array("</body></message>".utf8), "unsupported-encoding"),
        MalformedInput(
            "a control character", .negotiating, .established, text: "<message><body>\u{1}</body></message>", "not-well-formed"),
        MalformedInput("wrong nesting", .negotiating, .established, text: "<message><a><b></a></b></message>", "not-well-formed"),
        MalformedInput(
            "an unbound prefix", .negotiating, .established, text: "<message><nurse:peter/></message>", "not-well-formed"),
        MalformedInput(
            "an attribute twice", .negotiating, .established, text: "<message to='a@localhost' to='b@localhost'/>",
            "not-well-formed"),
        MalformedInput(
            "an attribute twice by two prefixes", .established,
            text: "<message xmlns:a='urn:x' xmlns:b='urn:x' a:c='1' b:c='2'/>", "not-well-formed"),
        MalformedInput("an attribute without quotes", .established, text: "<message to=a@localhost/>", "not-well-formed"),
        MalformedInput(
            "an unescaped ampersand", .established, text: "<message><body>Capulet & Montague</body></message>", "not-well-formed"),
        MalformedInput("a comment", .negotiating, .established, text: "<!-- rest you merry --><presence/>", "restricted-xml"),
        MalformedInput("a comment inside", .established, text: "<message><!-- rest you merry --></message>", "restricted-xml"),
        MalformedInput(
            "a processing instruction", .negotiating, .established, text: "<?php echo 1 ?><presence/>", "restricted-xml"),
        MalformedInput(
            "a processing instruction inside", .established, text: "<message><?php echo 1 ?></message>", "restricted-xml"),
        MalformedInput(
            "a DOCTYPE", .negotiating, .established, text: "<!DOCTYPE lolz [<!ENTITY lol 'lol'>]><presence/>", "restricted-xml"),
        MalformedInput("an entity", .established, text: "<message><body>&lol;</body></message>", "restricted-xml"),
        MalformedInput(
            "a stranger's element", .negotiating, .established, text: "<hello xmlns='urn:example:none'/>",
            "unsupported-stanza-type"),
        MalformedInput(
            "a stanza of another namespace", .established, text: "<message xmlns='jabber:server'/>", "invalid-namespace"),
        MalformedInput("a stanza too early", .negotiating, text: "<message to='romeo@localhost'/>", "not-authorized"),
        MalformedInput(
            "somebody else's address", .established, text: "<message from='romeo@localhost' to='juliet@localhost'/>",
            "invalid-from"),
        MalformedInput("another end than the beginning", .established, text: "</flow:stream>", "not-well-formed"),
    ]

    private static let tooMuch = [
        MalformedInput(
            "depth of 100,000", .negotiating, .established, text: "<message>" + String(repeating: "<a>", count: 100_000),
            "policy-violation"),
        MalformedInput(
            "100,000 attributes", .negotiating, .established,
            text: "<message" + (0..<100_000).map { " a\($0)='1'" }.joined() + "/>", "policy-violation"),
        MalformedInput(
            "a long name", .negotiating, .established, text: "<" + String(repeating: "m", count: 1 << 20), "policy-violation"),
    ]

    private static let sequences = [
        MalformedInput(
            "SASL after a session", .established, text: "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
            "unsupported-stanza-type"),
        MalformedInput(
            "a first part of SASL twice", .negotiating,
            text: "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><iq type='get' id='1'/>", "not-authorized"),
    ]
}
