import Testing

@testable import Network

@Suite(.timeLimit(.minutes(5)))
struct FrameAssemblerTests {
    static let frames: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 7, count: 300), [9], []]
    static var stream: [UInt8] {
        frames.flatMap { frame in withUnsafeBytes(of: UInt32(frame.count).littleEndian) { Array($0) } + frame }
    }

    private func assemble(_ pieces: [ArraySlice<UInt8>]) throws -> [[UInt8]] {
        var assembler = FrameAssembler(maximum: 300)
        var result: [[UInt8]] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                try assembler.feed(bytes) {
                    result.append(Array($0))
                    return true
                }
            }
        }
        #expect(assembler.isBetweenFrames)
        return result
    }

    @Test func whole() throws { #expect(try assemble([Self.stream[...]]) == Self.frames) }

    @Test func byteByByte() throws {
        let stream = Self.stream
        #expect(try assemble(stream.indices.map { stream[$0...$0] }) == Self.frames)
    }

    @Test func cutAtEveryPlace() throws {
        let stream = Self.stream
        for cut in 0...stream.count { #expect(try assemble([stream[..<cut], stream[cut...]]) == Self.frames, "cut at \(cut)") }
    }

    @Test func tooLongAFrameIsRefusedByItsHeader() {
        var assembler = FrameAssembler(maximum: 300)
        #expect(throws: FrameAssembler.Failure.frameTooLong(301)) {
            try [UInt8]([45, 1, 0, 0]).withUnsafeBytes { try assembler.feed($0) { _ in true } }
        }
        var slow = FrameAssembler(maximum: 300)
        #expect(throws: FrameAssembler.Failure.frameTooLong(0xffff_ffff)) {
            for byte: UInt8 in [255, 255, 255, 255] { try [byte].withUnsafeBytes { try slow.feed($0) { _ in true } } }
        }
    }

    @Test func stopsWhenTold() throws {
        var assembler = FrameAssembler(maximum: 300)
        var count = 0
        try Self.stream.withUnsafeBytes {
            try assembler.feed($0) { _ in
                count += 1
                return count < 2
            }
        }
        #expect(count == 2)
    }
}
