import Testing

@testable import IPC

@Suite(.timeLimit(.minutes(5)))
struct FrameReaderTests {
    private static let bodies: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 7, count: 300), [9], []]
    private static let stream = bodies.flatMap { body in
        withUnsafeBytes(of: UInt32(body.count).littleEndian) { Array($0) } + body
    }

    private func read(_ pieces: [ArraySlice<UInt8>]) throws -> [[UInt8]] {
        var reader = FrameReader(limit: 300)
        var bodies: [[UInt8]] = []
        for piece in pieces { try Self.feed(&reader, piece, &bodies) }
        #expect(reader.isBetweenFrames)
        return bodies
    }

    private static func feed(_ reader: inout FrameReader, _ piece: ArraySlice<UInt8>, _ bodies: inout [[UInt8]]) throws {
        try piece.withUnsafeBytes { bytes in
            try reader.feed(bytes) {
                bodies.append(Array($0))
                return true
            }
        }
    }

    @Test func whole() throws { #expect(try read([Self.stream[...]]) == Self.bodies) }

    @Test func byteByByte() throws {
        #expect(try read(Self.stream.indices.map { Self.stream[$0...$0] }) == Self.bodies)
    }

    @Test func cutAtEveryPlace() throws {
        for cut in 0...Self.stream.count {
            #expect(try read([Self.stream[..<cut], Self.stream[cut...]]) == Self.bodies, "cut at \(cut)")
        }
    }

    /// Whoever reads no more than is missing has read nothing of the next frame.
    @Test func whatIsMissingEndsWithTheFrame() throws {
        var reader = FrameReader(limit: 300)
        var (bodies, sizes): ([[UInt8]], [Int]) = ([], [])
        var rest = Self.stream[...]
        while !rest.isEmpty {
            sizes.append(reader.missing)
            let piece = rest.prefix(reader.missing)
            rest = rest.dropFirst(piece.count)
            try Self.feed(&reader, piece, &bodies)
            if bodies.count == 1, sizes.count == 2 { #expect(reader.isBetweenFrames && reader.missing == 4) }
        }
        #expect(bodies == Self.bodies)
        #expect(sizes == [4, 3, 4, 4, 300, 4, 1, 4])
    }

    /// Another program can go on where one stopped, whatever had come of a frame.
    @Test func theRemainderIsTakenUpElsewhere() throws {
        for cut in 0...Self.stream.count {
            var bodies: [[UInt8]] = []
            var first = FrameReader(limit: 300)
            try Self.feed(&first, Self.stream[..<cut], &bodies)
            var second = FrameReader(limit: 300, unread: first.remainder)
            try Self.feed(&second, Self.stream[cut...], &bodies)
            #expect(bodies == Self.bodies, "cut at \(cut)")
        }
    }

    @Test func aLengthBeyondTheLimitIsRefusedBeforeItsBytes() {
        var reader = FrameReader(limit: 300)
        var frames: [Frame] = []
        #expect(throws: WireError.oversize(301, limit: 300)) { try reader.feed([45, 1, 0, 0], into: &frames) }
        var slow = FrameReader(limit: 300)
        #expect(throws: WireError.oversize(4_294_967_295, limit: 300)) {
            for byte: UInt8 in [255, 255, 255, 255] { try slow.feed([byte], into: &frames) }
        }
        #expect(frames == [])
    }

    @Test func deliveryStopsWhenTold() throws {
        var reader = FrameReader(limit: 300)
        var count = 0
        try Self.stream.withUnsafeBytes {
            try reader.feed($0) { _ in
                count += 1
                return count < 2
            }
        }
        #expect(count == 2)
    }

    @Test func whatCameBeforeAnErrorIsThere() {
        let good = Frame.encode(kind: 7) { $0.rest([1, 2]) }
        for (bad, error) in [
            ([1, 0, 0, 0, 7], .truncated), ([0, 0, 0, 0], .truncated), ([9, 9, 9, 9], .oversize(151_587_081, limit: 64)),
        ]
            as [([UInt8], WireError)]
        {
            var reader = FrameReader(limit: 64)
            var frames: [Frame] = []
            #expect(throws: error) { try reader.feed(good + bad, into: &frames) }
            #expect(frames == [Frame(kind: 7, payload: [1, 2])])
        }
    }

    @Test func manyFramesDoNotGrowTheRemainder() throws {
        var reader = FrameReader(limit: 1 << 20)
        let frame = Frame.encode(kind: 1) { $0.rest([UInt8](repeating: 7, count: 10_000)) }
        var frames: [Frame] = []
        // Always half a frame is left, so that the reader is never between two.
        try reader.feed(Array(frame[..<5_000]), into: &frames)
        for count in 1...1_000 {
            try reader.feed(Array(frame[5_000...] + frame[..<5_000]), into: &frames)
            #expect(frames.count == count && reader.remainder.count == 5_000)
        }
    }
}
