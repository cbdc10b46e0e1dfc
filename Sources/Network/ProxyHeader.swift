internal import Glibc

/// What a proxy says in front of a connection about where it comes from: the PROXY protocol, versions 1 and 2.
///
/// Pure. Nothing behind the header is looked at.
enum ProxyHeader: Equatable {
    case needsMore
    /// `source` is nil where the proxy speaks for itself (`LOCAL`) or does not know (`UNKNOWN`): the socket's own address
    /// counts then.
    case complete(source: PeerAddress?, length: Int)
    case malformed

    /// The longest header of version 1, its line end included.
    private static let longestLine = 107
    /// The longest of version 2 with everything that a proxy may add to the addresses.
    static let longest = 4096

    private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    private static let word = Array("PROXY ".utf8)

    init(_ bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .needsMore
        } else if Self.agree(bytes, Self.word) {
            self = Self.line(bytes)
        } else if Self.agree(bytes, Self.signature) {
            self = Self.binary(bytes)
        } else {
            self = .malformed
        }
    }

    private static func agree(_ bytes: [UInt8], _ start: [UInt8]) -> Bool {
        bytes.prefix(start.count).elementsEqual(start.prefix(bytes.count))
    }

    // MARK: Version 1

    private static func line(_ bytes: [UInt8]) -> ProxyHeader {
        guard let end = bytes.prefix(longestLine).firstIndex(of: UInt8(ascii: "\n")) else {
            return bytes.count < longestLine ? .needsMore : .malformed
        }
        guard end > 0, bytes[end - 1] == UInt8(ascii: "\r"),
            let text = String(validating: bytes[..<(end - 1)], as: UTF8.self)
        else { return .malformed }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        if words.count >= 2, words[1] == "UNKNOWN" { return .complete(source: nil, length: end + 1) }
        guard words.count == 6, let family = family(words[1]), port(words[5]) != nil, let port = port(words[4]),
            let source = PeerAddress(family, words[2], port), PeerAddress(family, words[3], 0) != nil
        else { return .malformed }
        return .complete(source: source, length: end + 1)
    }

    private static func family(_ word: Substring) -> CInt? {
        switch word {
        case "TCP4": AF_INET
        case "TCP6": AF_INET6
        default: nil
        }
    }

    /// A decimal number without sign or leading zeros.
    private static func port(_ word: Substring) -> UInt16? {
        guard word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), word == "0" || word.first != "0" else { return nil }
        return UInt16(word)
    }

    // MARK: Version 2

    private static func binary(_ bytes: [UInt8]) -> ProxyHeader {
        let head = signature.count + 4
        // The kind is judged as soon as it is there.
        if bytes.count > signature.count, bytes[signature.count] >> 4 != 2 || bytes[signature.count] & 15 > 1 {
            return .malformed
        }
        guard bytes.count >= head else { return .needsMore }
        let isLocal = bytes[signature.count] & 15 == 0
        let length = head + (Int(bytes[14]) << 8 | Int(bytes[15]))
        guard length <= longest else { return .malformed }
        guard bytes.count >= length else { return .needsMore }
        let body = Array(bytes[head..<length])
        switch (isLocal, bytes[13]) {
        case (true, _): return .complete(source: nil, length: length)
        case (false, 0x11):
            guard body.count >= 12 else { return .malformed }
            return .complete(source: PeerAddress(ipv4: body[0..<4], port: number(body[8..<10])), length: length)
        case (false, 0x21):
            guard body.count >= 36 else { return .malformed }
            return .complete(source: PeerAddress(ipv6: body[0..<16], port: number(body[32..<34])), length: length)
        // Datagrams and AF_UNIX in front of the proxy, or nothing that it wants to tell.
        case (false, 0x00), (false, 0x12), (false, 0x22), (false, 0x31), (false, 0x32):
            return .complete(source: nil, length: length)
        default: return .malformed
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt16 { bytes.reduce(0) { $0 << 8 | UInt16($1) } }
}

extension PeerAddress {
    /// Reads a numeric address of one family.
    fileprivate init?(_ family: CInt, _ text: Substring, _ port: UInt16) {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard inet_pton(family, String(text), &bytes) == 1 else { return nil }
        self = family == AF_INET ? PeerAddress(ipv4: bytes[0..<4], port: port) : PeerAddress(ipv6: bytes[...], port: port)
    }

    fileprivate init(ipv4 bytes: ArraySlice<UInt8>, port: UInt16) {
        self.init(form: .ipv4(bytes.reduce(0) { $0 << 8 | UInt32($1) }), port: port)
    }

    fileprivate init(ipv6 bytes: ArraySlice<UInt8>, port: UInt16) {
        let high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        self.init(form: Self.form(high, bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }), port: port)
    }
}
