/// A record of the domain name system, as far as this program asks for them.
enum DNSRecord: Equatable {
    /// An IPv4 or IPv6 address, as people write it.
    case address(String)
    /// RFC 2782; a target of "." says that the service is not offered.
    case service(priority: UInt16, weight: UInt16, port: UInt16, target: String)

    enum Kind: UInt16 {
        case ipv4 = 1
        case ipv6 = 28
        case service = 33

        var name: String {
            switch self {
            case .ipv4: "A"
            case .ipv6: "AAAA"
            case .service: "SRV"
            }
        }
    }
}

/// Reads a message of RFC 1035 §4.
struct DNSMessage {
    private static let headerLength = 12
    /// No name of 255 bytes has more parts and pointers than this; more is a loop.
    private static let stepLimit = 256

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The records of one kind among the answers; nil if the message is none.
    func answers(_ kind: DNSRecord.Kind) -> [DNSRecord]? {
        guard bytes.count >= Self.headerLength else { return nil }
        var place = Self.headerLength
        for _ in 0..<number(4) {
            guard let (_, end) = name(place), end + 4 <= bytes.count else { return nil }
            place = end + 4
        }
        var records: [DNSRecord] = []
        for _ in 0..<number(6) {
            guard let (_, end) = name(place), end + 10 <= bytes.count else { return nil }
            let data = end + 10
            place = data + number(end + 8)
            guard place <= bytes.count else { return nil }
            guard number(end) == kind.rawValue, number(end + 2) == 1 else { continue }
            guard let record = record(kind, data..<place) else { return nil }
            records.append(record)
        }
        return records
    }

    private func record(_ kind: DNSRecord.Kind, _ data: Range<Int>) -> DNSRecord? {
        switch kind {
        case .ipv4: return data.count == 4 ? .address(InternetAddress.text(bytes[data])) : nil
        case .ipv6: return data.count == 16 ? .address(InternetAddress.text(bytes[data])) : nil
        case .service:
            guard data.count > 6, let (target, _) = name(data.lowerBound + 6) else { return nil }
            let numbers = [0, 2, 4].map { UInt16(number(data.lowerBound + $0)) }
            return .service(priority: numbers[0], weight: numbers[1], port: numbers[2], target: target)
        }
    }

    /// Two bytes, which the caller knows to be there.
    private func number(_ place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }

    /// A name without the point at its end ("." for the root), and where what follows it begins.
    private func name(_ start: Int) -> (text: String, end: Int)? {
        var parts: [String] = []
        var place = start
        var end: Int?
        for _ in 0..<Self.stepLimit {
            guard place < bytes.count else { return nil }
            let length = Int(bytes[place])
            if length >= 0xC0 {
                guard place + 1 < bytes.count else { return nil }
                end = end ?? place + 2
                place = number(place) & 0x3FFF
            } else if length == 0 {
                return (parts.isEmpty ? "." : parts.joined(separator: "."), end ?? place + 1)
            } else {
                guard length < 64, place + 1 + length <= bytes.count else { return nil }
                parts.append(String(decoding: bytes[(place + 1)...(place + length)], as: UTF8.self))
                place += 1 + length
            }
        }
        return nil
    }
}
