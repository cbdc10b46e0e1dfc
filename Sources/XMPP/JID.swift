/// An XMPP address (RFC 7622): prepared when made, so that two addresses are the same exactly if they are equal.
public struct JID: Sendable, Hashable {
    /// The user's name, empty for the address of a server.
    public let local: String
    public let domain: String
    /// Which of the user's connections, empty for a bare address.
    public let resource: String

    /// Bytes that one part may have (RFC 7622 §3.2–§3.4).
    public static let longestPart = 1023

    /// Reads `local@domain/resource`; `nil` if a part is missing, too long or has a character it may not have.
    public init?(_ text: String) {
        let utf8 = text.utf8
        var at: String.Index?
        var slash: String.Index?
        var index = utf8.startIndex
        while index != utf8.endIndex {
            let byte = utf8[index]
            if byte == UInt8(ascii: "/") {
                slash = index
                break
            }
            if byte == UInt8(ascii: "@"), at == nil { at = index }
            index = utf8.index(after: index)
        }
        let bare = text[..<(slash ?? text.endIndex)]
        let local = at.map { bare[..<$0] }
        let domain = at.map { bare[text.utf8.index(after: $0)...] } ?? bare
        let resource = slash.map { text[text.utf8.index(after: $0)...] }
        if let local, local.isEmpty { return nil }
        if let resource, resource.isEmpty { return nil }
        self.init(local: local.map(String.init) ?? "", domain: String(domain), resource: resource.map(String.init) ?? "")
    }

    /// Prepares the parts; an empty `local` or `resource` means that there is none.
    public init?(local: String, domain: String, resource: String = "") {
        guard let domain = DomainPart.prepared(domain) else { return nil }
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
        let slash = text.utf8.firstIndex(of: UInt8(ascii: "/"))
        let bare = text[..<(slash ?? text.endIndex)]
        let at = bare.utf8.firstIndex(of: UInt8(ascii: "@"))
        return JID(
            prepared: at.map { String(bare[..<$0]) } ?? "",
            String(at.map { bare[text.utf8.index(after: $0)...] } ?? bare),
            slash.map { String(text[text.utf8.index(after: $0)...]) } ?? "")
    }

    /// A user name by RFC 7622 §3.3, or `nil`.
    public static func preparedLocal(_ local: String) -> String? {
        guard let prepared = PRECIS.usernameCaseMapped(local), prepared.utf8.count <= longestPart,
            !prepared.utf8.contains(where: { forbiddenInLocal.contains($0) })
        else { return nil }
        return prepared
    }

    /// A resource by RFC 7622 §3.4, or `nil`.
    public static func preparedResource(_ resource: String) -> String? {
        guard let prepared = PRECIS.opaqueString(resource), prepared.utf8.count <= longestPart else { return nil }
        return prepared
    }

    /// A domain by RFC 7622 §3.2, or `nil`.
    public static func preparedDomain(_ domain: String) -> String? { DomainPart.prepared(domain) }

    private static let forbiddenInLocal = Array("\"&'/:<>@ ".utf8)

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
        resource.isEmpty ? bareText : "\(bareText)/\(resource)"
    }
}
