/// One place where a domain's server may be.
public struct ServerTarget: Sendable, Hashable, CustomStringConvertible {
    public enum Place: Sendable, Hashable {
        case name(String)
        case address(InternetAddress)
    }

    public let place: Place
    public let port: UInt16
    /// TLS is spoken from the first byte (XEP-0368).
    public let isDirectTLS: Bool

    public init(_ place: Place, port: UInt16, isDirectTLS: Bool = false) {
        self.place = place
        self.port = port
        self.isDirectTLS = isDirectTLS
    }

    public var description: String {
        let text =
            switch place {
            case .name(let name): "\(name):\(port)"
            case .address(let address): address.text(port: port)
            }
        return isDirectTLS ? "\(text) (direct TLS)" : text
    }
}

/// The places where a domain's server for other servers may be, in the order in which they are tried.
public struct ServerTargets: Sendable, Equatable {
    /// More are not tried.
    public static let limit = 10
    /// The names below a domain that have its services: with TLS from the first byte, and with STARTTLS.
    public static let directService = "_xmpps-server._tcp"
    public static let plainService = "_xmpp-server._tcp"

    /// What says where the server is.
    public enum Origin: Sendable, Equatable {
        case configuration
        /// The domain is an address itself.
        case literalAddress
        case serviceRecords
        /// There are no records of the service: it is where the domain's own name leads.
        case ownAddresses
    }

    public let origin: Origin
    /// Empty: the domain says that it has no such service.
    public let list: [ServerTarget]

    private init(_ origin: Origin, _ list: [ServerTarget]) {
        self.origin = origin
        self.list = list
    }

    /// An address that the operator has named: nothing is looked up.
    public init(configured address: InternetAddress, port: UInt16, isDirectTLS: Bool = false) {
        self.init(.configuration, [ServerTarget(.address(address), port: port, isDirectTLS: isDirectTLS)])
    }

    /// A domain that is an address, which has no records; nil for any other.
    public init?(literal domain: String, port: UInt16) {
        let plain = domain.hasPrefix("[") && domain.hasSuffix("]") ? String(domain.dropFirst().dropLast()) : domain
        guard let address = InternetAddress(plain) else { return nil }
        self.init(.literalAddress, [ServerTarget(.address(address), port: port)])
    }

    /// What follows from the records of the two services, mixed by priority and weight (XEP-0368 §3).
    ///
    /// - Parameters:
    ///   - direct, plain: records of the services below the domain. A question without an answer is as good as one without
    ///     records (RFC 6120 §3.2.1): the domain's own addresses are tried.
    ///   - defaultPort: of the domain's own addresses.
    public init(
        _ domain: String, direct: DNSQuery.Outcome, plain: DNSQuery.Outcome, defaultPort: UInt16,
        using generator: inout some RandomNumberGenerator
    ) {
        let (direct, plain) = (Self.records(direct), Self.records(plain))
        let offers =
            direct.filter(Self.isUsable).map { Offer($0, isDirectTLS: true) }
            + plain.filter(Self.isUsable).map { Offer($0, isDirectTLS: false) }
        if offers.isEmpty {
            // A "." for TLS from the first byte leaves the other way open; one for the service itself leaves none.
            let isRefused = !plain.isEmpty
            self.init(
                isRefused ? .serviceRecords : .ownAddresses, isRefused ? [] : [ServerTarget(.name(domain), port: defaultPort)])
        } else {
            self.init(.serviceRecords, Self.ordered(offers, using: &generator))
        }
    }

    private struct Offer {
        let record: ServiceRecord
        let target: ServerTarget

        init(_ record: ServiceRecord, isDirectTLS: Bool) {
            self.record = record
            target = ServerTarget(.name(record.target), port: record.port, isDirectTLS: isDirectTLS)
        }
    }

    private static func records(_ outcome: DNSQuery.Outcome) -> [ServiceRecord] {
        if case .success(let answer) = outcome { answer.services } else { [] }
    }

    private static func isUsable(_ record: ServiceRecord) -> Bool { record.isOffered && record.port > 0 }

    /// By priority, and among equals by chance in the proportion of the weights (RFC 2782).
    private static func ordered(_ offers: [Offer], using generator: inout some RandomNumberGenerator) -> [ServerTarget] {
        var result: [ServerTarget] = []
        let groups = Dictionary(grouping: offers, by: \.record.priority).sorted { $0.key < $1.key }
        for (_, group) in groups {
            // Those of weight 0 first, so that they are chosen now and then.
            var rest = group.filter { $0.record.weight == 0 } + group.filter { $0.record.weight > 0 }
            while !rest.isEmpty {
                let sum = rest.reduce(0) { $0 + Int($1.record.weight) }
                let mark = Int.random(in: 0...sum, using: &generator)
                var reached = 0
                let place = rest.firstIndex { offer in
                    reached += Int(offer.record.weight)
                    return reached >= mark
                }
                let chosen = rest.remove(at: place ?? 0).target
                if !result.contains(chosen) { result.append(chosen) }
                if result.count == limit { return result }
            }
        }
        return result
    }
}
