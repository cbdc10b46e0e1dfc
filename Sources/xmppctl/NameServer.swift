import CPlatform
import Glibc

/// Whom to ask for records: the system's name servers, or one of the administrator's choice.
struct NameServer {
    /// Longest answer, in bytes; one of a service has some hundred.
    private static let answerLimit = 16_384
    private static let defaultPort: UInt16 = 53

    private var address: (bytes: [UInt8], port: UInt16)?

    /// - Parameter choice: an IPv4 address, with or without a port.
    init(_ choice: String?) throws(CommandError) {
        guard let choice else { return }
        let parts = choice.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let bytes = parts[0].split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
        let port = parts.count == 1 ? Self.defaultPort : UInt16(parts[1])
        guard bytes.count == 4, InternetAddress.text(bytes) == parts[0], let port, port > 0 else {
            throw CommandError(
                "--nameserver '\(printable(choice))': expected an IPv4 address, or one with a port, as 192.0.2.1:53",
                CommandStatus.usage)
        }
        address = (bytes, port)
    }

    /// The records that a name has; nil if nobody answers.
    func records(_ name: String, _ kind: DNSRecord.Kind) -> [DNSRecord]? {
        var answer = [UInt8](repeating: 0, count: Self.answerLimit)
        let length = cplatform_dns_query(name, Int32(kind.rawValue), address?.bytes, address?.port ?? 0, &answer, answer.count)
        guard length >= 0 else { return nil }
        return length == 0 ? [] : DNSMessage(Array(answer.prefix(length))).answers(kind)
    }
}
