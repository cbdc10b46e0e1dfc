public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import XML
internal import XMPP

/// XEP-0030: identities, features and items of the host and its accounts.
///
/// An account answers those who may see its user's presence; to all others it looks as if it did not exist
/// (XEP-0030 §8).
public final class Disco: Module {
    public nonisolated static let name = "mod_disco"
    public nonisolated static let implements = [
        XEP(30, "Service Discovery", version: "2.5.0"),
        XEP(128, "Service Discovery Extensions", version: "1.0.1"),
        XEP(157, "Contact Addresses for XMPP Services", version: "1.1.1"),
    ]

    private static let contactForm = "http://jabber.org/network/serverinfo"

    private let extraDomains: [String]
    private let showsHidden: Bool
    private let contacts: [(name: String, values: [String])]

    public init(options: DiscoOptions) {
        extraDomains = options.extraDomains
        showsHidden = options.showsHidden
        contacts = options.serverInfo.filter { $0.modules.isEmpty || $0.modules.contains(Self.name) }
            .map { (name: $0.name, values: $0.values) }
    }

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(DiscoXML.info, DiscoXML.items)
        declarations.features.advertiseAccount(DiscoXML.info, DiscoXML.items)
        declarations.features.items += extraDomains.map { (jid: $0, name: nil) }
        if !contacts.isEmpty { declarations.features.serverForms.append(DiscoXML.form(Self.contactForm, contacts)) }
        declarations.iq.on("query", DiscoXML.info, at: .server) { (request) throws(StanzaError) in
            try Self.info(of: request.host, request)
        }
        declarations.iq.on("query", DiscoXML.items, at: .server) { [showsHidden] (request) throws(StanzaError) in
            try Self.items(of: request.host, request, showsHidden: showsHidden)
        }
        declarations.iq.on("query", DiscoXML.info, at: .account) { (request) throws(StanzaError) in
            try Self.accountInfo(request)
        }
        declarations.iq.onWaiting("query", DiscoXML.items, at: .account) { (request) async throws(StanzaError) in
            try await Self.accountItems(request)
        }
        declarations.iq.open("query", DiscoXML.info, to: .contacts)
        declarations.iq.open("query", DiscoXML.items, to: .everyone)
    }

    // MARK: The host

    private static func info(of host: Host, _ request: IQRequest) throws(StanzaError) -> Element {
        let node = try asked(request)
        guard let node else { return host.discoInfo() }
        for case let module as any DiscoNodes in host.modules {
            if let answer = module.info(at: node, of: host) { return answer }
        }
        throw StanzaError(.itemNotFound)
    }

    private static func items(of host: Host, _ request: IQRequest, showsHidden: Bool) throws(StanzaError) -> Element {
        let node = try asked(request)
        // Servers and components are no users: they see what there is.
        guard let node else { return items(of: host, showsHidden: showsHidden || request.from.local.isEmpty) }
        for case let module as any DiscoNodes in host.modules {
            if let answer = module.items(at: node, of: host) { return answer }
        }
        throw StanzaError(.itemNotFound)
    }

    /// What stands beside the host: what its modules name, and the components below its domain.
    private static func items(of host: Host, showsHidden: Bool) -> Element {
        let components = host.components.filter { showsHidden || !$0.isHidden }.map { (jid: $0.domain, name: nil as String?) }
        let known = Set(host.features.items.map(\.jid))
        return DiscoXML.items(host.features.items + components.filter { !known.contains($0.jid) })
    }

    /// The node of a request; only `get` is allowed.
    private static func asked(_ request: IQRequest) throws(StanzaError) -> String? {
        guard !request.isSet else { throw StanzaError(.notAllowed) }
        return request.payload["node"]
    }

    // MARK: Accounts

    private static func accountInfo(_ request: IQRequest) throws(StanzaError) -> Element {
        guard try asked(request) == nil else { throw StanzaError(.itemNotFound) }
        return DiscoXML.info(request.host.features.accountIdentities, request.host.features.account)
    }

    /// The other available resources, for those who may see them. Any other asker gets the empty answer of an account that
    /// does not exist.
    private static func accountItems(_ request: IQRequest) async throws(StanzaError) -> Element {
        let node = try asked(request)
        guard node == nil, try await request.host.isPresence(of: request.to, visibleTo: request.from) else {
            return DiscoXML.items(node: node)
        }
        let resources = request.host.server.sessions(of: request.to)
            .filter { $0.flags.contains(.available) }
            .map { request.to.with(resource: $0.resource) }
            .filter { $0 != request.from }
        return DiscoXML.items(resources.map(\.description).sorted().map { (jid: $0, name: nil) })
    }
}

/// `[modules.mod_disco]`.
public struct DiscoOptions: ModuleOptionSet {
    var extraDomains: [String] = []
    var serverInfo: [ServerInfo] = []
    /// Whether users are told of hidden components.
    var showsHidden = true

    public static let keys: [ModuleOption<Self>] = [
        .init("extra_domains", \.extraDomains), .init(tables: "server_info", \.serverInfo),
        .init("users_can_see_hidden_services", \.showsHidden),
    ]

    public init() {}

    /// `[[modules.mod_disco.server_info]]`.
    struct ServerInfo: ModuleOptionSet {
        var name = ""
        var values: [String] = []
        /// The modules whose answers have it; empty: all.
        var modules: [String] = []

        static let keys: [ModuleOption<Self>] = [
            .init("name", \.name), .init("urls", \.values), .init("modules", \.modules),
        ]
    }
}

/// A module that answers for nodes of the host (XEP-0030 §3.2, §4.2); found among the host's modules.
@LoopActor
protocol DiscoNodes: AnyObject {
    /// The answer about a node, which it repeats; `nil` if the node is none of this module's.
    func info(at node: String, of host: Host) -> Element?
    func items(at node: String, of host: Host) -> Element?
}

extension Host {
    /// The disco#info of the host, at its own address or at a node that stands for the same (XEP-0115 §6.2).
    func discoInfo(node: String? = nil) -> Element {
        DiscoXML.info(node: node, features.serverIdentities, features.server, features.serverForms)
    }
}
