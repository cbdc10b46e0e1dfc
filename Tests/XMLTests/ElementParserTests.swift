import Testing

@testable import XML

@Suite(.timeLimit(.minutes(5)))
struct ElementParserTests {
    private let limits = Limits(bytes: 1 << 20)

    private func header(_ parser: ElementParser, _ text: String) throws -> StreamHeader {
        try Array(text.utf8).withUnsafeBytes { try parser.header($0, limits: limits) }
    }
    private func element(_ parser: ElementParser, _ text: String, _ namespaces: StreamNamespaces = .client) throws -> Element {
        try Array(text.utf8).withUnsafeBytes { try parser.element($0, in: namespaces, limits: limits) }
    }

    @Test func headerAttributes() throws {
        let header = try header(
            ElementParser(),
            "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' to='a' xml:lang='en' version='1.0' s:x='y'>"
        )
        #expect(header.name == "stream")
        #expect(header.namespace == "http://etherx.jabber.org/streams")
        #expect(header["to"] == "a")
        #expect(header["xml:lang"] == "en")
        #expect(header["version"] == "1.0")
        #expect(header["from"] == nil)
        #expect(header.attributes.count == 4)
        #expect(header.namespaces.content == "jabber:client")
    }

    /// Whatever the order, and whatever else stands there, the connections of most clients share one value.
    @Test(arguments: [
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
        "<stream:stream version='1.0' xmlns:stream=\"http://etherx.jabber.org/streams\" to='x' xmlns=\"jabber:client\">",
        "<stream:stream xmlns:xml='http://www.w3.org/XML/1998/namespace' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
    ])
    func usualNamespacesAreShared(_ text: String) throws {
        #expect(try header(ElementParser(), text).namespaces === StreamNamespaces.client)
    }

    @Test func connectionsWithOtherNamespacesTakeTurns() throws {
        let parser = ElementParser()
        let one = try header(
            parser, "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='one'>"
        ).namespaces
        let two = try header(parser, "<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' xmlns:p='two'>")
            .namespaces
        for _ in 0..<5 {
            #expect(try element(parser, "<p:a><b/></p:a>", one).description == "<a xmlns='one'><b xmlns='jabber:client'/></a>")
            #expect(try element(parser, "<p:a><b/></p:a>", two).description == "<a xmlns='two'><b xmlns='jabber:server'/></a>")
            #expect(throws: Malformed.notWellFormed) { try element(parser, "<p:a/>") }
            #expect(throws: Malformed.notWellFormed) { try element(parser, "<stream:a/>", two) }
        }
    }

    @Test func footerOfEachNamespaces() throws {
        let other = try header(ElementParser(), "<s xmlns='http://etherx.jabber.org/streams'>").namespaces
        func isFooter(_ text: String, _ namespaces: StreamNamespaces) -> Bool {
            Array(text.utf8).withUnsafeBytes { namespaces.isFooter($0) }
        }
        #expect(isFooter("</s>", other))
        #expect(isFooter("</s\n>", other))
        #expect(!isFooter("</s s>", other))
        #expect(!isFooter("</stream:stream>", other))
        #expect(isFooter("</stream:stream>", .client))
        #expect(!isFooter("</s>", .client))
        #expect(!isFooter("", .client))
    }

    @Test(arguments: [
        "<a", "<a>", "</a>", "</stream:stream>", "", " ", "x", "<a/><b", "<a></b>", "<a/><b/>", "<a/><b c='>", "<a/><![CDATA[>",
        "<a/>&#x", "<a/>\u{d}", "<!-- -->", "<a>&x;</a>", "<a/></stream:stream>",
    ])
    func aMistakeHarmsNobodyElse(_ wrong: String) throws {
        let parser = ElementParser()
        let other = try header(parser, "<stream:stream xmlns='x' xmlns:stream='y'>").namespaces
        for namespaces in [StreamNamespaces.client, other] {
            #expect(throws: Malformed.self) { try element(parser, wrong, namespaces) }
            #expect(try element(parser, "<b>c</b>").description == "<b xmlns='jabber:client'>c</b>")
            #expect(try element(parser, "<b>c</b>", other).description == "<b xmlns='x'>c</b>")
        }
    }

    /// A name that is never the same twice must not fill expat's memory; what it says must not change.
    @Test func namesThatNeverRepeat() throws {
        let parser = ElementParser()
        for number in 0..<20_000 {
            let element = try element(parser, "<m\(number) a\(number)='\(number)'><x xmlns='ns\(number)'/></m\(number)>")
            guard number % 1000 == 0 else { continue }
            #expect(element.name == "m\(number)")
            #expect(element["a\(number)"] == "\(number)")
            #expect(element.child(in: "ns\(number)") != nil)
        }
    }

    @Test func largeElementsBetweenSmallOnes() throws {
        let parser = ElementParser()
        for size in [10, 500_000, 20, 900_000, 30] {
            let text = String(repeating: "y", count: size)
            #expect(try element(parser, "<m>\(text)</m>").text == text)
        }
    }

    @Test func declarationsAreOnlyThat() throws {
        let parser = ElementParser()
        func read(_ text: String) throws { try Array(text.utf8).withUnsafeBytes { try parser.declaration($0) } }
        try read("<?xml version='1.0'?>")
        try read("<?xml version='1.0' encoding='Utf-8'?>")
        #expect(throws: Malformed.self) { try read("") }
        #expect(throws: Malformed.self) { try read("<a/>") }
        #expect(throws: Malformed.self) { try read("<?xml version='1.0'") }
        #expect(try element(parser, "<a/>").name == "a")
    }

    @Test func anElementOutlivesItsParser() throws {
        var kept: Element?
        do {
            let parser = ElementParser()
            kept = try element(parser, "<a><b>c</b></a>").child("b")
            _ = try? element(parser, "<zzz>yyyyyyyyyy</zzz>")
        }
        #expect(kept?.text == "c")
    }
}
