/// What the domain name system is asked: the records of one kind that a name has.
public struct DNSQuestion: Sendable, Hashable {
    public enum Kind: UInt16, Sendable {
        case ipv4 = 1
        case ipv6 = 28
        /// RFC 2782.
        case service = 33

        public var name: String {
            switch self {
            case .ipv4: "A"
            case .ipv6: "AAAA"
            case .service: "SRV"
            }
        }
    }

    public let kind: Kind
    /// In ASCII: names with other letters in their form for the DNS (A-labels).
    public let name: String

    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }
}

/// Names of hosts and services as the domain name system has them.
enum DNSName {
    /// Bytes of the longest name (RFC 1035 §2.3.4), without a final dot.
    static let longest = 253

    /// Letters, digits, hyphens and underscores between dots. What else the DNS allows is never the name of a server, and
    /// would mean something else to who reads it as text.
    static func isLegal(_ name: String) -> Bool {
        let bytes = name.utf8
        guard !bytes.isEmpty, bytes.count <= longest else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.allSatisfy(isOfName)
        }
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// The records that were asked for; one of the two lists is always empty.
public struct DNSAnswer: Sendable, Equatable {
    /// More addresses of a name are not looked at.
    public static let addressLimit = 16
    /// More services of a name are not looked at; those of the lowest priority number come first.
    public static let serviceLimit = 10

    public let addresses: [InternetAddress]
    public let services: [ServiceRecord]

    public init(addresses: [InternetAddress]) {
        self.addresses = Array(addresses.prefix(Self.addressLimit))
        services = []
    }

    public init(services: [ServiceRecord]) {
        addresses = []
        // By hand, since equal ones keep their order.
        let ordered = services.enumerated().sorted { ($0.element.priority, $0.offset) < ($1.element.priority, $1.offset) }
        self.services = ordered.prefix(Self.serviceLimit).map(\.element)
    }
}

/// Where a service is (RFC 2782).
public struct ServiceRecord: Sendable, Hashable {
    public let priority: UInt16
    public let weight: UInt16
    public let port: UInt16
    /// Without the dot at its end; "." says that the service is not offered.
    public let target: String

    public init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }

    public var isOffered: Bool { target != "." }
}

/// Why there is no answer.
public enum DNSFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such name, or it has no records of this kind.
    case noSuchName, noData
    /// No name server answered in time, none could be reached, or they would not answer, or could not find out.
    case timeout, unreachable, refused, serverFailure
    /// What came was no answer.
    case malformed
    /// The name cannot be one of the DNS: too long, or with other characters than letters, digits, hyphens and underscores.
    case badName
    /// So many questions are under way, of the one who asks or in all, that this one was not put.
    case tooMany
    /// The system has no memory or no descriptor to spare, or its settings cannot be read.
    case system(String)

    /// Whether a name server has said so, and so that it is true until the records change.
    public var isAnswer: Bool { self == .noSuchName || self == .noData }

    public var description: String {
        switch self {
        case .noSuchName: "no such name in the DNS"
        case .noData: "no such records in the DNS"
        case .timeout: "no name server answered in time"
        case .unreachable: "no name server can be reached"
        case .refused: "the name server refuses to answer"
        case .serverFailure: "the name server could not find out"
        case .malformed: "the answer of the name server makes no sense"
        case .badName: "this cannot be a name in the DNS"
        case .tooMany: "too many questions to the DNS are under way"
        case .system(let reason): "no question can be put to the DNS: \(reason)"
        }
    }
}
