import Testing

@testable import IPC

@Suite(.timeLimit(.minutes(5)))
struct FrameTests {
    private let three = [[UInt8]](repeating: [], count: 3).indices.map { index in
        Frame.encode(kind: UInt16(index)) { $0.rest([UInt8](repeating: UInt8(index), count: index * 5)) }
    }

    @Test func framesComeOutHoweverTheyAreCut() throws {
        let bytes = three.flatMap { $0 }
        for size in 1...bytes.count {
            var decoder = FrameDecoder(limit: 64)
            var kinds: [UInt16] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                decoder.append(bytes[start..<min(start + size, bytes.count)])
                while let frame = try decoder.next() {
                    #expect(frame.payload.count == Int(frame.kind) * 5)
                    kinds.append(frame.kind)
                }
            }
            #expect(kinds == [0, 1, 2])
            #expect(decoder.isEmpty)
        }
    }

    @Test func aLengthBeyondTheLimitIsRefusedBeforeItsBytes() {
        var decoder = FrameDecoder(limit: 100)
        decoder.append([101, 0, 0, 0])
        #expect(throws: WireError.oversize(101, limit: 100)) { try decoder.next() }
        decoder = FrameDecoder(limit: 100)
        decoder.append([255, 255, 255, 255])
        #expect(throws: WireError.oversize(4_294_967_295, limit: 100)) { try decoder.next() }
    }

    @Test(arguments: [UInt8(0), 1]) func aFrameHasAtLeastItsKind(length: UInt8) {
        var decoder = FrameDecoder(limit: 100)
        decoder.append([length, 0, 0, 0, 7])
        #expect(throws: WireError.truncated) { try decoder.next() }
    }

    @Test func manyFramesDoNotGrowTheBuffer() throws {
        var decoder = FrameDecoder(limit: 1 << 20)
        let frame = Frame.encode(kind: 1) { $0.rest([UInt8](repeating: 7, count: 10_000)) }
        // Always a frame and a half in the buffer, so that it is never empty.
        decoder.append(frame[..<5_000])
        for _ in 0..<1_000 {
            decoder.append(frame[5_000...])
            decoder.append(frame[..<5_000])
            #expect(try decoder.next()?.payload.count == 10_000)
            #expect(try decoder.next() == nil)
        }
    }
}
