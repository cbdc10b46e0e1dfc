import Testing

@testable import XML

@Suite(.timeLimit(.minutes(5)))
struct LimitTests {
    private func found(_ text: String, _ limits: Limits) -> [String] {
        let whole = StreamReading.transcript([Array((StreamRow.header + text).utf8)], limits: limits)
        let bytes = StreamReading.transcript((StreamRow.header + text).utf8.map { [$0] }, limits: limits)
        #expect(whole == bytes)
        #expect(whole.first == StreamRow.opened)
        return Array(whole.dropFirst())
    }

    /// An element of exactly so many bytes.
    private func message(_ bytes: Int) -> String { "<m>" + String(repeating: "x", count: bytes - 7) + "</m>" }

    @Test(arguments: [200, 1024, 65536]) func size(_ limit: Int) {
        let limits = Limits(bytes: limit)
        #expect(found(message(limit), limits).count == 1)
        #expect(found(message(limit - 1) + message(limit), limits).count == 2)
        #expect(found("  \n " + message(limit) + "   " + message(limit), limits).count == 2)
        #expect(found(message(limit + 1), limits) == ["error tooBig"])
        #expect(found("<m a='" + String(repeating: "x", count: limit), limits) == ["error tooBig"])
    }

    @Test func whiteSpaceBetweenElementsIsFree() {
        #expect(found(String(repeating: " ", count: 5000), Limits(bytes: 200)) == [])
    }

    @Test func headerAndDeclarationAreLimitedToo() {
        let limits = Limits(bytes: 40)
        #expect(StreamReading.transcript([Array(StreamRow.header.utf8)], limits: limits) == ["error tooBig"])
        let declaration = Array("<?xml version='1.0' encoding='UTF-8'     ?>".utf8)
        #expect(StreamReading.transcript([declaration], limits: limits) == ["error tooBig"])
    }

    @Test func noMoreThanTheLimitIsKept() {
        for size in [1, 7, 64] {
            var reading = StreamReading(limits: Limits(bytes: 500))
            reading.feed(StreamRow.header.utf8)
            let endless = Array(repeating: UInt8(ascii: "x"), count: size)
            reading.feed("<m>".utf8)
            for _ in 0..<2000 { reading.feed(endless) }
            #expect(reading.transcript.last == "error tooBig")
            #expect(reading.mostKept <= 500)
        }
    }

    @Test func elements() {
        func message(_ children: Int) -> String { "<m>" + String(repeating: "<a>x</a>", count: children) + "</m>" }
        let limits = Limits(bytes: 65536, elements: 100)
        #expect(found(message(99) + message(99), limits).count == 2)
        #expect(found(message(100), limits) == ["error tooBig"])
    }

    @Test func depth() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        let limits = Limits(bytes: 65536, depth: 10)
        #expect(found(nested(10), limits).count == 1)
        #expect(found(nested(11), limits) == ["error tooDeep"])
        let inside = String(repeating: "<a>", count: 9) + "<b/>" + String(repeating: "</a>", count: 9)
        #expect(found(inside, limits).count == 1)
        #expect(found("<a>" + inside + "</a>", limits) == ["error tooDeep"])
        #expect(found(String(repeating: "<a/>", count: 50), limits).count == 50)
        #expect(found("<a>" + String(repeating: "<b/>", count: 50) + "</a>", limits).count == 1)
        #expect(found(String(repeating: "<a>", count: 100_000), Limits(bytes: .max, depth: .max)) == ["error tooDeep"])
    }

    @Test func attributes() {
        func element(_ count: Int) -> String { "<a" + (0..<count).map { " a\($0)='\($0)'" }.joined() + "/>" }
        let limits = Limits(bytes: 65536, attributes: 8)
        #expect(found(element(8), limits).count == 1)
        #expect(found(element(9), limits) == ["error tooManyAttributes"])
        #expect(found("<m>" + element(8) + element(8) + "</m>", limits).count == 1)
        #expect(found("<m>" + element(9) + "</m>", limits) == ["error tooManyAttributes"])
    }

    @Test func aStartTagHasItsOwnLimit() {
        let limits = Limits(bytes: .max)
        let rest = "<m a=''/>".utf8.count
        let longest = Limits.longestTag - rest
        #expect(found("<m a='" + String(repeating: "x", count: longest) + "'/>", limits).count == 1)
        #expect(found("<m a='" + String(repeating: "x", count: longest + 1) + "'/>", limits) == ["error tooBig"])
        #expect(found("<m" + String(repeating: " ", count: Limits.longestTag) + "/>", limits) == ["error tooBig"])
        #expect(found("<" + String(repeating: "m", count: Limits.longestTag + 1), limits) == ["error tooBig"])
        // Inside an element it is the tag that counts, not what came before it.
        let before = "<m>" + String(repeating: "x", count: 100_000)
        #expect(found(before + "<a b='" + String(repeating: "x", count: longest) + "'/></m>", limits).count == 1)
    }

    @Test func namesAreStoredInFourteenBits() {
        func element(_ length: Int) -> String { "<" + String(repeating: "n", count: length) + "/>" }
        #expect(found(element(TapeNode.longestName), Limits(bytes: 65536)).count == 1)
        #expect(found(element(TapeNode.longestName + 1), Limits(bytes: 65536)) == ["error tooManyAttributes"])
        let attribute = "<a " + String(repeating: "n", count: TapeNode.longestName + 1) + "='b'/>"
        #expect(found(attribute, Limits(bytes: 65536)) == ["error tooManyAttributes"])
        let namespace = String(repeating: "n", count: TapeNode.longestName)
        #expect(found("<a xmlns:p='\(namespace)' p:b=''/>", Limits(bytes: 65536)) == ["error tooManyAttributes"])
    }

    /// Prefixes are short in what comes in and long in what is stored and goes out.
    @Test func prefixesMayNotMultiplyWhatWasSent() {
        let namespace = String(repeating: "n", count: 10_000)
        let elements = "<m xmlns:p='\(namespace)'>" + String(repeating: "<p:a/>", count: 5000) + "</m>"
        #expect(found(elements, Limits(bytes: 65536)) == ["error tooBig"])
        let attributes =
            "<m xmlns:p='\(namespace)'>" + String(repeating: "<a p:a='' p:b='' p:c=''/>", count: 1000) + "</m>"
        #expect(found(attributes, Limits(bytes: 65536)) == ["error tooBig"])
        let usual = "<m xmlns:p='urn:example:namespace'>" + String(repeating: "<p:a><p:b/></p:a>", count: 1000) + "</m>"
        #expect(found(usual, Limits(bytes: 65536)).count == 1)
    }

    @Test func infinity() {
        var limits = Limits(bytes: .max)
        #expect(limits.bytes == Limits.largest)
        limits.bytes = .max
        limits.depth = .max
        #expect(limits.bytes == Limits.largest)
        #expect(limits.depth == Limits.deepest)
        #expect(found(message(300_000), limits).count == 1)
        for bytes in [0, -1, Int.min] {
            #expect(StreamReading.transcript([Array("<a>".utf8)], limits: Limits(bytes: bytes)) == ["error tooBig"])
        }
    }

    /// The limit of a connection falls when its user has logged in, or rises.
    @Test func limitChangedInsideAnElement() throws {
        var framer = StanzaFramer(limits: Limits(bytes: 1000))
        let header = Array(StreamRow.header.utf8)
        _ = try header.withUnsafeBytes { try framer.next($0, from: 0) }
        let begun = Array("<m>xxxxxxxxxx".utf8)
        _ = try begun.withUnsafeBytes { try framer.next($0, from: 0) }
        framer.limits.bytes = 5
        #expect(throws: Malformed.tooBig) { try begun.withUnsafeBytes { try framer.next($0, from: 3) } }
    }
}
