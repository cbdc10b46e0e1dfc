import Testing

@testable import Network

@Suite(.timeLimit(.minutes(5))) struct ProxyHeaderTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        /// Nil: the header is none.
        let address: String?
        /// The header ends here; what follows is the client's.
        var length: Int { bytes.count }
        var testDescription: String { name }
    }

    private static func v2(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
        [
            0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x20 | command, family, UInt8(body.count >> 8),
            UInt8(body.count & 255),
        ]
            + body
    }
    private static let four: [UInt8] = [192, 0, 2, 7, 10, 0, 0, 1, 0xdc, 0x04, 0x14, 0x66]
    private static let six: [UInt8] =
        [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [9] + [UInt8](repeating: 0, count: 15) + [1] + [
            0xdc, 4, 0x14, 0x66,
        ]
    private static let mapped: [UInt8] =
        [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 192, 0, 2, 7] + [UInt8](repeating: 0, count: 15) + [1] + [0, 1, 0, 2]
    private static let own = "the socket's"

    static let good = [
        Row(name: "v1 TCP4", bytes: Array("PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222\r\n".utf8), address: "192.0.2.7:56324"),
        Row(name: "v1 TCP6", bytes: Array("PROXY TCP6 2001:db8::9 ::1 56324 5222\r\n".utf8), address: "[2001:db8::9]:56324"),
        Row(name: "v1 UNKNOWN", bytes: Array("PROXY UNKNOWN\r\n".utf8), address: own),
        Row(name: "v1 UNKNOWN with more", bytes: Array("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".utf8), address: own),
        Row(name: "v2 TCP4", bytes: v2(1, 0x11, four), address: "192.0.2.7:56324"),
        Row(name: "v2 TCP6", bytes: v2(1, 0x21, six), address: "[2001:db8::9]:56324"),
        Row(name: "v2 mapped", bytes: v2(1, 0x21, mapped), address: "192.0.2.7:1"),
        Row(name: "v2 with TLVs", bytes: v2(1, 0x11, four + [0x01, 0, 2, 0x68, 0x32, 0x04, 0, 1, 0]), address: "192.0.2.7:56324"),
        Row(name: "v2 LOCAL", bytes: v2(0, 0x00, []), address: own),
        Row(name: "v2 LOCAL with addresses", bytes: v2(0, 0x11, four), address: own),
        Row(name: "v2 unspecified", bytes: v2(1, 0x00, [1, 2, 3]), address: own),
        Row(name: "v2 AF_UNIX", bytes: v2(1, 0x31, [UInt8](repeating: 0, count: 216)), address: own),
    ]

    static let bad = [
        Row(name: "a stream", bytes: Array("<?xml version='1.0'?>".utf8), address: nil),
        Row(name: "lower case", bytes: Array("proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n".utf8), address: nil),
        Row(name: "no carriage return", bytes: Array("PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n".utf8), address: nil),
        Row(name: "wrong family", bytes: Array("PROXY TCP4 ::1 ::1 1 2\r\n".utf8), address: nil),
        Row(name: "a name", bytes: Array("PROXY TCP4 localhost 10.0.0.1 1 2\r\n".utf8), address: nil),
        Row(name: "port too high", bytes: Array("PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n".utf8), address: nil),
        Row(name: "port with a zero", bytes: Array("PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n".utf8), address: nil),
        Row(name: "missing port", bytes: Array("PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n".utf8), address: nil),
        Row(name: "double blank", bytes: Array("PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n".utf8), address: nil),
        Row(name: "endless line", bytes: Array(("PROXY UNKNOWN " + String(repeating: "a", count: 120)).utf8), address: nil),
        Row(
            name: "v2 of version 3", bytes: [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x31],
            address: nil),
        Row(name: "v2 unknown command", bytes: v2(2, 0x11, four), address: nil),
        Row(name: "v2 unknown family", bytes: v2(1, 0x41, four), address: nil),
        Row(name: "v2 short addresses", bytes: v2(1, 0x11, Array(four.dropLast())), address: nil),
        Row(name: "v2 too long", bytes: v2(1, 0x11, four).prefix(14) + [0xff, 0xff], address: nil),
    ]

    @Test(arguments: good) func aHeaderIsUnderstoodAndNothingBehindIt(_ row: Row) {
        for behind in [[], Array("<stream".utf8)] as [[UInt8]] {
            guard case .complete(let source, let length) = ProxyHeader(row.bytes + behind) else {
                Issue.record("\(ProxyHeader(row.bytes + behind))")
                return
            }
            #expect(length == row.length)
            #expect((source?.description ?? Self.own) == row.address)
        }
        for cut in 0..<row.bytes.count { #expect(ProxyHeader(Array(row.bytes[..<cut])) == .needsMore, "\(cut)") }
    }

    @Test(arguments: bad) func whatIsNoHeaderIsRefused(_ row: Row) { #expect(ProxyHeader(row.bytes) == .malformed) }
}
