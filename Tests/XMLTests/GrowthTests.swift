import Testing

@testable import XML

/// What is stored and sent on is at most twice what came, and 512 bytes; what cannot be is refused.
@Suite(.timeLimit(.minutes(5)))
struct GrowthTests {
    private static let free = 512

    /// Reads a stanza and what is written of it; nil if it is refused as too big.
    private func grown(
        _ stanza: String, in header: String = "<s:s xmlns:s='s' xmlns='jabber:client'>"
    ) throws -> [UInt8]? {
        let (parser, limits) = (ElementParser(), Limits(bytes: .max))
        let namespaces = try Array(header.utf8).withUnsafeBytes { try parser.header($0, limits: limits).namespaces }
        let bytes = Array(stanza.utf8)
        let element: Element
        do {
            element = try bytes.withUnsafeBytes { try parser.element($0, in: namespaces, limits: limits) }
        } catch Malformed.tooBig {
            return nil
        }
        let written = element.rendered(within: "jabber:client")
        #expect(written.count <= 2 * bytes.count + Self.free, "\(stanza.prefix(300)) becomes \(written.count) of \(bytes.count)")
        let again = try written.withUnsafeBytes { try parser.element($0, in: .client, limits: limits) }
        #expect(again == element, "\(stanza.prefix(300))")
        return written
    }

    private static func many(_ count: Int, _ text: (Int) -> String) -> String { (0..<count).map(text).joined() }
    private static let long = "urn:example:" + String(repeating: "n", count: 1000)

    /// Each is taken, and written within the bound.
    static let taken: [String] = [
        "<m xmlns:p='\(long)'>" + many(1000) { _ in "<p:a/>" } + "</m>",
        "<m xmlns:p='\(long)'>" + many(1000) { _ in "<p:a/><b/>" } + "</m>",
        "<m xmlns:p='\(long)' xmlns:q='\(long)q'>" + many(500) { _ in "<p:a/><q:a/>" } + "</m>",
        "<m xmlns:p='\(long)'>" + many(80) { _ in "<a p:b=''/>" } + "</m>",
        "<m" + many(100) { " xmlns:p\($0)='urn:example:\($0):" + String(repeating: "n", count: 400) + "'" } + ">"
            + many(1000) { "<p\($0 % 100):a/>" } + "</m>",
        "<m>" + many(50) { "<x xmlns:p='\(long)\($0)'><p:a><p:b/><p:c><p:d/><e/></p:c></p:a><p:a/></x>" } + "</m>",
        "<m xmlns:p='urn:p'>" + many(1000) { _ in "<p:a/>" } + "</m>",
        "<m>" + many(60) { "<a xmlns='urn:\($0)'><b xmlns='urn:x'/><m xmlns='jabber:client'/></a>" } + "</m>",
        "<m><p:x xmlns:p='\(long)'>" + many(80) { _ in "<p:x><a/></p:x>" } + "</p:x></m>",
        "<m>" + String(repeating: ">", count: 10_000) + "</m>",
        "<m>" + String(repeating: "]]&gt;", count: 1000) + "</m>",
        "<m a='" + String(repeating: "&quot;&apos;&#9;", count: 500) + "'/>",
        "<m><![CDATA[" + String(repeating: "<a>text</a> ", count: 500) + "]]></m>",
    ]

    @Test("an element with long namespaces is written with each of them once", arguments: taken.indices)
    func isTaken(_ index: Int) throws {
        #expect(try grown(Self.taken[index]) != nil, "\(Self.taken[index].prefix(200))")
    }

    /// Each would be many times larger: it is refused.
    static let refused: [(String, header: String)] = [
        ("<m><![CDATA[" + String(repeating: "&", count: 10_000) + "]]></m>", "<s:s xmlns:s='s' xmlns='jabber:client'>"),
        ("<m a=\"" + String(repeating: "'", count: 10_000) + "\"/>", "<s:s xmlns:s='s' xmlns='jabber:client'>"),
        ("<m><p:a/></m>", "<s:s xmlns:s='s' xmlns='jabber:client' xmlns:p='\(long)'>"),
        (
            "<p:m xmlns:p='jabber:client' xmlns=''>" + many(1000) { _ in "<a/>" } + "</p:m>",
            "<s:s xmlns:s='s' xmlns='jabber:client'>"
        ),
    ]

    @Test("an element that cannot be written within twice its size is refused", arguments: refused.indices)
    func isRefused(_ index: Int) throws {
        #expect(try grown(Self.refused[index].0, in: Self.refused[index].header) == nil)
    }

    @Test("no element of random prefixes, scopes and texts is written larger than twice its size")
    func random() throws {
        var refusals = 0
        for seed in 0..<500 {
            var maker = Maker(state: UInt64(seed))
            if try grown(maker.element(3, [], isOutermost: true)) == nil { refusals += 1 }
        }
        #expect(refusals < 100)
    }

    private struct Maker {
        var state: UInt64

        mutating func number(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(below))
        }

        private mutating func text() -> String {
            let pieces = [
                "a", " ", ">", "&amp;", "&lt;", "]]&gt;", "\"", "<![CDATA[&]]>", "<![CDATA[ some text ]]>", "words of text",
            ]
            return (0..<number(6)).map { _ in pieces[number(pieces.count)] }.joined()
        }

        /// `scope`: prefixes that may be used.
        mutating func element(_ depth: Int, _ scope: [String], isOutermost: Bool = false) -> String {
            var (scope, declarations) = (scope, "")
            for prefix in ["p", "q", "r", "s"] where number(4) == 0 {
                scope.append(prefix)
                declarations +=
                    " xmlns:\(prefix)='urn:\(number(4)):" + String(repeating: "n", count: [3, 40, 400][number(3)]) + "'"
            }
            if !isOutermost, number(6) == 0 { declarations += " xmlns='\(["", "urn:d", "jabber:client"][number(3)])'" }
            var name = "a"
            if !isOutermost, number(3) > 0, !scope.isEmpty { name = scope[number(scope.count)] + ":a" }
            if number(4) == 0, !scope.isEmpty { declarations += " \(scope[number(scope.count)]):b='\(number(9))'" }
            var content = text()
            for _ in 0..<(depth > 0 ? number(8) : 0) { content += element(depth - 1, scope) + text() }
            return "<\(name)\(declarations)>\(content)</\(name)>"
        }
    }
}
