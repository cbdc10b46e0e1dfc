import Testing
import XML

/// What is written and read again is the same element.
@Suite(.timeLimit(.minutes(5)))
struct RoundTripTests {
    /// Elements that are different each time, and the same for one seed.
    private struct Maker {
        var state: UInt64

        mutating func number(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(below))
        }
        mutating func pick<T>(_ values: [T]) -> T { values[number(values.count)] }

        static let pieces = [
            "a", "Z", "0", " ", "\t", "\n", "\r", "&", "<", ">", "'", "\"", "]]>", "ü", "€", "😀", "\u{7f}", "\u{85}", "\u{2028}",
            "&amp;",
            "xmlns", "longer than eight bytes", "\u{e000}", "\u{301}",
        ]
        mutating func text() -> String { (0..<number(12)).map { _ in pick(Self.pieces) }.joined() }
        mutating func name() -> String { pick(["a", "b", "message", "x-y", "_z", "é", "名"]) }
        mutating func namespace() -> String {
            pick(["", "jabber:client", "urn:x", "urn:y?'&", "http://etherx.jabber.org/streams"])
        }

        mutating func element(_ depth: Int) -> Element {
            var attributes: [(name: String, value: String)] = []
            for name in ["a", "to", "xml:lang", "urn:x\u{1}a", "urn:y?'&\u{1}b", "c"] where number(3) == 0 {
                attributes.append((name, text()))
            }
            var contents: [Element.Content] = []
            for _ in 0..<(depth > 0 ? number(5) : 0) {
                contents.append(number(2) == 0 ? .text(text()) : .element(element(depth - 1)))
            }
            return Element(name(), namespace(), attributes: attributes, contents: contents)
        }
    }

    @Test(arguments: ["", "jabber:client"]) func elements(_ context: String) throws {
        let parser = ElementParser()
        let limits = Limits(bytes: 1 << 20)
        let header = Array("<s:s xmlns:s='s' xmlns:stream='http://etherx.jabber.org/streams' xmlns='\(context)'>".utf8)
        let namespaces = try header.withUnsafeBytes { try parser.header($0, limits: limits).namespaces }
        for seed in 0..<3000 {
            var maker = Maker(state: UInt64(seed))
            let element = maker.element(4)
            let bytes = element.rendered(within: context)
            let read = try bytes.withUnsafeBytes { try parser.element($0, in: namespaces, limits: limits) }
            #expect(read == element, "seed \(seed): \(element)")
            #expect(read.rendered(within: context) == bytes, "seed \(seed)")
        }
    }
}
