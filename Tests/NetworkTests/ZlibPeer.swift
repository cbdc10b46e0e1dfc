import CZlib
import Testing

/// The other side of a compressed connection, as a client has it: zlib as it comes.
final class ZlibPeer {
    private var deflater = z_stream()
    private var inflater = z_stream()

    init() {
        precondition(deflateInit_(&deflater, Z_DEFAULT_COMPRESSION, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
        precondition(inflateInit_(&inflater, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
    }

    deinit {
        deflateEnd(&deflater)
        inflateEnd(&inflater)
    }

    func deflate(_ bytes: [UInt8], ending: Bool = false) -> [UInt8] {
        run(bytes, &deflater) { CZlib.deflate($0, ending ? Z_FINISH : Z_SYNC_FLUSH) }
    }

    func deflate(_ text: String) -> [UInt8] { deflate(Array(text.utf8)) }

    func inflate(_ bytes: [UInt8]) -> [UInt8] {
        run(bytes, &inflater) {
            let result = CZlib.inflate($0, Z_SYNC_FLUSH)
            #expect(result == Z_OK || result == Z_BUF_ERROR, "the server's output is no zlib: \(result)")
            return result
        }
    }

    private func run(
        _ bytes: [UInt8], _ stream: inout z_stream, _ step: (UnsafeMutablePointer<z_stream>) -> Int32
    ) -> [UInt8] {
        var input = bytes
        var result: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            repeat {
                room.withUnsafeMutableBufferPointer { room in
                    stream.next_out = room.baseAddress
                    stream.avail_out = UInt32(room.count)
                    _ = step(&stream)
                }
                result += room[..<(room.count - Int(stream.avail_out))]
            } while stream.avail_out == 0
        }
        return result
    }
}
