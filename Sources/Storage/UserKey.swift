/// Whose rows: a user of a host, both already prepared (RFC 7622), so that equal addresses are equal bytes.
public struct UserKey: Hashable, Sendable {
    public let user: String
    public let domain: String

    public init(user: String, domain: String) {
        self.user = user
        self.domain = domain
    }

    var domainValue: SQLValue { .text(domain) }
    var userValue: SQLValue { .text(user) }
}

extension UserKey: CustomStringConvertible {
    public var description: String { "\(user)@\(domain)" }
}
