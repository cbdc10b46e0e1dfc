import Glibc
import Resolver

/// The records by which clients and other servers find a domain's server: RFC 6120 §3.2.1, XEP-0368.
struct ServiceRecords {
    private struct Service {
        let label: String
        let port: UInt16
        let purpose: String
    }

    private static let services = [
        Service(label: "_xmpp-client._tcp", port: 5222, purpose: "clients, with STARTTLS"),
        Service(label: "_xmpps-client._tcp", port: 5223, purpose: "clients, with TLS at once"),
        Service(label: "_xmpp-server._tcp", port: 5269, purpose: "other servers"),
    ]

    /// Names that never are in the public domain name system (RFC 6761, RFC 6762, RFC 8375).
    private static let privateNames = ["localhost", "test", "invalid", "local", "home.arpa", "internal"]

    private static let timeToLive = 3600

    let domain: String

    /// Looks the records up, and says which there are and, as lines of a zone file, which are missing.
    func report(_ server: NameServer) -> String {
        guard domain.utf8.allSatisfy({ $0 < 0x80 }) else {
            return advice("The records of a name with other letters than ASCII are not looked up.")
        }
        guard !Self.privateNames.contains(where: { domain == $0 || domain.hasSuffix(".\($0)") }) else {
            return "DNS: \(domain) is a name for private use; nothing is looked up."
        }
        var table = Table([.init("NAME"), .init("TYPE"), .init("FOUND"), .init("FOR")])
        var missing: [String] = []
        var host: String?
        for service in Self.services {
            let name = "\(service.label).\(domain)"
            guard let records = server.answer(.service, name)?.services else {
                return advice("The name server does not answer: nothing is known of the records there are.")
            }
            host = host ?? records.first(where: \.isOffered)?.target
            table.add([name, "SRV", found(records.map(Self.text)), service.purpose])
            if records.isEmpty { missing.append(service.label) }
        }
        let target = host ?? Self.hostName(domain)
        var hasAddress = false
        for kind in [DNSQuestion.Kind.ipv4, .ipv6] {
            guard let records = server.answer(kind, target)?.addresses else {
                return advice("The name server does not answer: nothing is known of the records there are.")
            }
            let hint = kind == .ipv6 && !records.isEmpty ? "the machine: let the listeners listen on \"::\", too" : "the machine"
            table.add([target, kind.name, found(records.map(\.description)), hint])
            hasAddress = hasAddress || !records.isEmpty
        }
        let zone = lines(missing, target) + (hasAddress ? [] : Self.addressLines(target))
        let parts = ["What is in the DNS:", table.text]
        return (parts + (zone.isEmpty ? ["Nothing is missing."] : ["Missing, for the zone of \(domain):"] + zone)).joined(
            separator: "\n")
    }

    /// What the records should be, when those that are cannot be known.
    private func advice(_ why: String) -> String {
        let target = Self.hostName(domain)
        let zone = lines(Self.services.map(\.label), target) + Self.addressLines(target)
        return (["DNS: \(why)", "The zone of \(domain) should have:"] + zone).joined(separator: "\n")
    }

    private func lines(_ labels: [String], _ target: String) -> [String] {
        Self.services.filter { labels.contains($0.label) }.map { service in
            "\(service.label).\(domain). \(Self.timeToLive) IN SRV 5 0 \(service.port) \(target)."
        }
    }

    /// A comment, where no address of this machine is one for others.
    private static func addressLines(_ target: String) -> [String] {
        let addresses = InternetAddress.ofThisMachine()
        if addresses.isEmpty { return ["; \(target). \(timeToLive) IN A <the public address of this server>"] }
        return addresses.map { "\(target). \(timeToLive) IN A \($0)" }
    }

    private func found(_ records: [String]) -> String { records.isEmpty ? "-" : records.joined(separator: " ") }

    private static func text(_ record: ServiceRecord) -> String {
        record.isOffered ? "\(record.target):\(record.port)" : "not offered"
    }

    /// The full name of this machine if it has one within the domain, otherwise the domain.
    private static func hostName(_ domain: String) -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return domain }
        let text = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.hasSuffix(".\(domain)") ? text : domain
    }
}
