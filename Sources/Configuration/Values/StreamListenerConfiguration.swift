/// A listener of any kind that this version opens.
public enum ListenerConfiguration: Sendable, Equatable {
    case client(ClientListenerConfiguration)
    case component(ComponentListenerConfiguration)
    case server(ServerListenerConfiguration)

    /// What it has as all listeners for streams do.
    public var stream: StreamListenerConfiguration {
        switch self {
        case .client(let client): client.stream
        case .component(let component): component.stream
        case .server(let server): server.stream
        }
    }
}

public enum IPVersion: Int, Sendable { case four = 4, six = 6 }

public enum ListenerTransport: String, Sendable { case tcp, udp }

/// What listeners for XML streams have, whoever their peers are.
public struct StreamListenerConfiguration: Sendable, Equatable {
    /// The listener as the file names it: `listen.c2s[1]`.
    public let place: String
    /// Among those of its kind, from 1.
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
    /// Nil: any number.
    public let maxConnections: Int?
    /// Nil: for ever.
    public let stateTimeout: Duration?
    public let reusePort: Bool

    /// - Parameter key: the one of the time for a step.
    init(_ table: SettingTable, _ place: String, index: Int, _ general: GeneralConfiguration, stateTimeout key: String) {
        self.place = place
        self.index = index
        let socket = ListenerAddress(table)
        address = socket.address
        port = socket.port
        ipVersion = socket.version
        proto = table.string("proto").flatMap(ListenerTransport.init(rawValue:)) ?? .tcp
        backlog = table.integer("backlog") ?? 1024
        proxyProtocol = table.boolean("proxy_protocol") ?? false
        hibernateAfter = table.integer("hibernate_after").map { .milliseconds($0) }
        maxStanzaSize = table.integer("max_stanza_size")
        numAcceptors = table.integer("num_acceptors") ?? 100
        maxFSMQueue = table.integer("max_fsm_queue") ?? general.maxFSMQueue
        maxConnections = table.integer("max_connections")
        stateTimeout = table.integer(key).map { .milliseconds($0) }
        reusePort = table.boolean("reuse_port") ?? false
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
