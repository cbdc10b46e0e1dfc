@testable import Network

/// The other side of a compressed stream.
@LoopActor
enum Zlib {
    static func deflated(_ text: String) -> [UInt8]? {
        guard let deflater = Deflater() else { return nil }
        let buffer = OutputBuffer.take()
        Array(text.utf8).withUnsafeBytes { deflater.deflate($0, to: buffer) }
        let bytes = Array(buffer.bytes)
        buffer.consume(buffer.count)
        OutputBuffer.give(buffer)
        return bytes
    }

    static func inflated(_ bytes: [UInt8]) -> String? {
        guard let inflater = Inflater() else { return nil }
        var room = [UInt8](repeating: 0, count: 100_000)
        let made = bytes.withUnsafeBytes { input in room.withUnsafeMutableBytes { inflater.step(input, into: $0).made } }
        return String(decoding: room[..<made], as: UTF8.self)
    }
}
