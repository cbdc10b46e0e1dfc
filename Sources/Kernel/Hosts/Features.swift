public import Network
public import XML

/// What a host says of itself and of its accounts when asked (XEP-0030), gathered from its modules.
@LoopActor
public struct Features {
    public struct Identity: Sendable, Hashable {
        public let category: String
        public let type: String
        public let name: String?

        public init(category: String, type: String, name: String? = nil) {
            self.category = category
            self.type = type
            self.name = name
        }
    }

    /// Features of the host itself.
    public private(set) var server: Set<String> = []
    /// Features of an account, asked at its bare address.
    public private(set) var account: Set<String> = []
    public var serverIdentities: [Identity] = []
    public var accountIdentities: [Identity] = []
    /// Extra forms of the host's answer (XEP-0128).
    public var serverForms: [Element] = []
    /// Services beside the host, listed among its items.
    public var items: [(jid: String, name: String?)] = []
    /// Features of the stream that are offered after authentication, besides binding and session.
    public var afterAuthentication: [@LoopActor () -> Element] = []

    init() {}

    /// Adds what another module says.
    mutating func merge(_ other: Features) {
        server.formUnion(other.server)
        account.formUnion(other.account)
        serverIdentities += other.serverIdentities
        accountIdentities += other.accountIdentities
        serverForms += other.serverForms
        items += other.items
        afterAuthentication += other.afterAuthentication
    }

    public mutating func advertise(_ features: String...) { server.formUnion(features) }
    public mutating func advertiseAccount(_ features: String...) { account.formUnion(features) }
}
