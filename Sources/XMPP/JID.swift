internal import Preparation
internal import XML

/// An XMPP address (RFC 7622): prepared when made, so that two addresses are the same exactly if they are equal.
public struct JID: Sendable, Hashable {
    /// The user's name, empty for the address of a server.
    public let local: String
    public let domain: String
    /// Which of the user's connections, empty for a bare address.
    public let resource: String

    /// Bytes that a whole address may have: three parts, and what stands between and behind them. A longer one is
    /// refused unread.
    public static let longest = 3 * AddressPart.longest + 3

    /// Reads `local@domain/resource`; `nil` if a part is missing, too long or has a character it may not have.
    public init?(_ text: String) {
        var text = text
        guard let jid = text.withUTF8({ JID($0) }) else { return nil }
        self = jid
    }

    private init?(_ text: UnsafeBufferPointer<UInt8>) {
        guard text.count <= JID.longest else { return nil }
        let parts = AddressParts(text)
        if parts.isPlain {
            self.init(prepared: parts.local ?? "", parts.domain, parts.resource ?? "")
        } else {
            if parts.local?.isEmpty == true || parts.resource?.isEmpty == true { return nil }
            self.init(local: parts.local ?? "", domain: parts.domain, resource: parts.resource ?? "")
        }
    }

    /// Prepares the parts; an empty `local` or `resource` means that there is none.
    public init?(local: String, domain: String, resource: String = "") {
        guard let domain = AddressPart.domain(domain) else { return nil }
        self.domain = domain
        if local.isEmpty {
            self.local = ""
        } else {
            guard let prepared = JID.preparedLocal(local) else { return nil }
            self.local = prepared
        }
        if resource.isEmpty {
            self.resource = ""
        } else {
            guard let prepared = JID.preparedResource(resource) else { return nil }
            self.resource = prepared
        }
    }

    private init(prepared local: String, _ domain: String, _ resource: String) {
        self.local = local
        self.domain = domain
        self.resource = resource
    }

    /// Takes parts that were prepared before, such as those from our own tables.
    public static func prepared(local: String, domain: String, resource: String = "") -> JID {
        JID(prepared: local, domain, resource)
    }

    /// Takes a whole address that was prepared before, such as one from our own tables or another worker.
    public static func prepared(_ text: String) -> JID {
        var text = text
        return text.withUTF8 { text in
            let parts = AddressParts(text)
            return JID(prepared: parts.local ?? "", parts.domain, parts.resource ?? "")
        }
    }

    /// A user name by RFC 7622 §3.3, or `nil`.
    public static func preparedLocal(_ local: String) -> String? { AddressPart.local(local) }

    /// A resource by RFC 7622 §3.4, or `nil`.
    public static func preparedResource(_ resource: String) -> String? { AddressPart.resource(resource) }

    /// A domain by RFC 7622 §3.2, or `nil`.
    public static func preparedDomain(_ domain: String) -> String? { AddressPart.domain(domain) }

    /// A prepared domain as DNS and TLS spell it (RFC 5890 §2.3.2.1), or `nil`.
    public static func asciiDomain(_ prepared: String) -> String? { AddressPart.asciiDomain(prepared) }

    public var isBare: Bool { resource.isEmpty }
    public var isFull: Bool { !resource.isEmpty }
    /// Whether it is the address of a server or another entity without a user name.
    public var isDomain: Bool { local.isEmpty }

    /// The address without its resource.
    public var bare: JID { isBare ? self : JID(prepared: local, domain, "") }

    /// The same user or server with another resource, which must have been prepared.
    public func with(resource: String) -> JID { JID(prepared: local, domain, resource) }

    /// The server of this address.
    public var server: JID { JID(prepared: "", domain, "") }

    /// `local@domain`, or `domain` alone.
    public var bareText: String { local.isEmpty ? domain : "\(local)@\(domain)" }
}

extension JID: CustomStringConvertible {
    public var description: String {
        if resource.isEmpty { return bareText }
        return local.isEmpty ? "\(domain)/\(resource)" : "\(local)@\(domain)/\(resource)"
    }
}

extension JID {
    /// Writes the address as the value of an attribute.
    func write(to writer: inout ElementWriter) {
        if !local.isEmpty {
            writer.escaped(local)
            writer.raw("@")
        }
        writer.escaped(domain)
        if !resource.isEmpty {
            writer.raw("/")
            writer.escaped(resource)
        }
    }
}
