/// A listener of any kind that this version opens.
public enum ListenerConfiguration: Sendable, Equatable {
    case client(ClientListenerConfiguration)
}

public enum IPVersion: Int, Sendable { case four = 4, six = 6 }

public enum ListenerTransport: String, Sendable { case tcp, udp }

/// One element of `[[listen.c2s]]`.
public struct ClientListenerConfiguration: Sendable, Equatable {
    /// Its place in the file, from 1.
    public let index: Int
    /// A literal address of the IP version: never a name.
    public let address: String
    /// 0: the system chooses.
    public let port: Int
    public let ipVersion: IPVersion
    public let proto: ListenerTransport
    public let backlog: Int
    public let proxyProtocol: Bool
    /// Nil: never.
    public let hibernateAfter: Duration?
    /// In bytes; nil: as large as `[xmppd]` allows.
    public let maxStanzaSize: Int?
    public let numAcceptors: Int
    /// Its own, or that of `[general]`; nil: no limit by number.
    public let maxFSMQueue: Int?
    /// The name of an access rule.
    public let access: String
    /// The name of the access rule that yields a shaper's name; `none` without one.
    public let shaper: String
    /// In bytes; nil: no compression.
    public let zlib: Int?
    /// Nil: any number.
    public let maxConnections: Int?
    /// Nil: for ever.
    public let stateTimeout: Duration?
    public let reusePort: Bool
    public let backwardsCompatibleSession: Bool
    /// Nil: all that the host has.
    public let allowedAuthMethods: [AuthenticationMethod]?
    /// Nil: no TLS here.
    public let tls: TLSListenerConfiguration?

    init(_ table: SettingTable, index: Int, general: GeneralConfiguration) {
        self.index = index
        let place = ListenerAddress(table)
        address = place.address
        port = place.port
        ipVersion = place.version
        proto = table.string("proto").flatMap(ListenerTransport.init(rawValue:)) ?? .tcp
        backlog = table.integer("backlog") ?? 1024
        proxyProtocol = table.boolean("proxy_protocol") ?? false
        hibernateAfter = table.integer("hibernate_after").map { .milliseconds($0) }
        maxStanzaSize = table.integer("max_stanza_size")
        numAcceptors = table.integer("num_acceptors") ?? 100
        maxFSMQueue = table.integer("max_fsm_queue") ?? general.maxFSMQueue
        access = table.string("access") ?? "all"
        shaper = table.string("shaper") ?? "none"
        zlib = table.integer("zlib")
        maxConnections = table.integer("max_connections")
        stateTimeout = table.integer("c2s_state_timeout").map { .milliseconds($0) }
        reusePort = table.boolean("reuse_port") ?? false
        backwardsCompatibleSession = table.boolean("backwards_compatible_session") ?? true
        allowedAuthMethods = table.strings("allowed_auth_methods")?
            .compactMap(AuthenticationMethod.init(rawValue:))
        tls = table.table("tls").map { TLSListenerConfiguration($0) }
    }
}

/// Where a listener of any kind listens.
struct ListenerAddress: Equatable {
    let address: String
    let port: Int
    let version: IPVersion
    let transport: String

    init(_ table: SettingTable) {
        let given = table.string("ip_address").flatMap { IPAddress($0) }
        let version =
            table.integer("ip_version").flatMap(IPVersion.init(rawValue:))
            ?? (given?.isIPv6 == true ? .six : .four)
        self.version = version
        port = table.integer("port") ?? 0
        transport = table.string("proto") ?? "tcp"
        switch (given, version) {
        case (nil, .four): address = "0.0.0.0"
        case (nil, .six): address = "::"
        case (let given?, .six) where !given.isIPv6: address = "::ffff:\(given.text)"
        case (let given?, _): address = given.text
        }
    }
}
