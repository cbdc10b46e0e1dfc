internal import Glibc
public import IPC
internal import Supervision

/// The settings that the master itself needs.
public struct MasterSettings: Sendable, Equatable {
    /// The configuration as it is sent to workers.
    public var bundle: ConfigurationBundle
    public var listeners: [ListenerSetting]
    /// 1 to 64.
    public var workers: Int
    public var workerProgram: String
    public var controlSocket: String
    public var pidFile: String
    /// The account that workers become when the master runs as root; nil: they stay what it is.
    public var account: ProcessAccount?
    /// By its name in the configuration.
    public var logLevel: String
    /// How long an orderly stop may take, in milliseconds; past it workers are killed.
    public var stopMilliseconds: Int64
    /// How long clients of a replaced worker may stay, in milliseconds; past it they are disconnected.
    public var drainMilliseconds: Int64
    /// How long a worker may give no sign of life, in milliseconds; past it the worker is killed; 0: never.
    public var silenceMilliseconds: Int64
}

extension MasterSettings {
    /// Whether workers, which read bytes from the network, run as root without `user = "root"` in the file.
    var runsWorkersAsRoot: Bool { geteuid() == 0 && account == nil }

    static let rootWarning =
        "workers run as root, and a mistake in one of them gives the machine away; create the user "
        + "\"\(ConfigurationFile.usualAccount)\", or name one in xmppd.user"

    /// A policy with the deadlines of the configuration.
    func policy(_ policy: SupervisionPolicy) -> SupervisionPolicy {
        var policy = policy
        policy.stopMilliseconds = stopMilliseconds
        policy.drainMilliseconds = drainMilliseconds
        policy.silenceMilliseconds = silenceMilliseconds
        return policy
    }
}

/// One listener of the configuration, before it is bound.
public struct ListenerSetting: Sendable, Equatable, CustomStringConvertible {
    public var kind: ListenerDescriptor.Kind
    /// Its place in the configuration: `listen.c2s[1]`, counted from 1 as in the messages of `Configuration`.
    public var path: String
    /// Position in the list of its kind, from 0.
    public var position: Int
    /// Numeric.
    public var address: String
    public var port: UInt16
    public var transport: ListenerDescriptor.Transport
    public var backlog: Int32
    /// Most connections of all workers that are being accepted at one time; others wait in the kernel's queue.
    public var acceptors: Int
    /// Whether another process may bind the same address.
    public var isShared: Bool

    public init(
        kind: ListenerDescriptor.Kind, path: String? = nil, position: Int, address: String, port: UInt16,
        transport: ListenerDescriptor.Transport = .tcp, backlog: Int32 = 1_024, acceptors: Int = 100,
        isShared: Bool = false
    ) {
        self.kind = kind
        self.path = path ?? "listen.\(kind.section)[\(position + 1)]"
        self.position = position
        self.address = address
        self.port = port
        self.transport = transport
        self.backlog = backlog
        self.acceptors = acceptors
        self.isShared = isShared
    }

    public var description: String { "\(path) (\(endpoint(address, port)))" }
}

extension ListenerDescriptor.Kind {
    /// The name of its list in the configuration.
    var section: String {
        switch self {
        case .client: "c2s"
        case .server: "s2s"
        case .component: "service"
        case .http: "http"
        }
    }
}

/// `127.0.0.1:5222`, `[::1]:5222`
func endpoint(_ address: String, _ port: UInt16) -> String {
    address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
}
