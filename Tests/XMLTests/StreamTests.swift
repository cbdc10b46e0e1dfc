import Testing
import XML

/// Every stream is fed whole, byte by byte and cut at every position, and must look the same each time.
@Suite(.timeLimit(.minutes(5)))
struct StreamTests {
    @Test(arguments: StreamRow.openings + StreamRow.encodings + StreamRow.elements + StreamRow.mistakes)
    func reads(_ row: StreamRow) {
        let parser = ElementParser()
        #expect(StreamReading.transcript([row.input], parser: parser) == row.found)
        #expect(StreamReading.transcript(row.input.map { [$0] }, parser: parser) == row.found)
        for cut in row.input.indices {
            let pieces = [row.input[..<cut], row.input[cut...]]
            #expect(StreamReading.transcript(pieces, parser: parser) == row.found, "cut at \(cut)")
        }
    }

    /// RFC 6120 §4.9.3.13 has this very example: the answer must not wait for the end of an element that has none.
    @Test func wrongEndTagIsRefusedWhenItComes() {
        let found = StreamReading.transcript([Array((StreamRow.header + "<message>\n  <body>No closing tag!\n</message").utf8)])
        #expect(found == [StreamRow.opened])
        let ended = StreamReading.transcript([Array((StreamRow.header + "<message>\n  <body>No closing tag!\n</message>").utf8)])
        #expect(ended == [StreamRow.opened, "error notWellFormed"])
    }

    @Test func aNewStreamOnTheSameConnection() throws {
        var framer = StanzaFramer(limits: Limits(bytes: 1000))
        let text = Array((StreamRow.header + "<a/>").utf8)
        for _ in 0..<3 {
            let header = try text.withUnsafeBytes { try framer.next($0, from: 0) }
            #expect(header == .part(.header, start: 0, end: text.count - 4))
            let element = try text.withUnsafeBytes { try framer.next($0, from: text.count - 4) }
            #expect(element == .part(.element, start: text.count - 4, end: text.count))
            framer.restart()
        }
    }

    @Test func nothingIsKeptBetweenParts() throws {
        var framer = StanzaFramer(limits: Limits(bytes: 1000))
        let text = Array((StreamRow.header + " \n\n ").utf8)
        _ = try text.withUnsafeBytes { try framer.next($0, from: 0) }
        let end = text.count - 4
        #expect(try text.withUnsafeBytes { try framer.next($0, from: end) } == .incomplete(from: text.count))
        #expect(!framer.isInsidePart)
        #expect(
            try UnsafeRawBufferPointer(start: nil, count: 0).withMemoryRebound(to: UInt8.self) {
                try framer.next(UnsafeRawBufferPointer($0), from: 0)
            } == .incomplete(from: 0))
        let begun = Array(" <a".utf8)
        #expect(try begun.withUnsafeBytes { try framer.next($0, from: 0) } == .incomplete(from: 1))
        #expect(framer.isInsidePart)
    }
}
