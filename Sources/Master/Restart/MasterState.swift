internal import IPC
internal import Supervision

/// The state that the master hands to the next program in its process: its open descriptors, by number, and all that the
/// next program cannot find out. Over exec(3) descriptors stay open, workers stay children, locks stay held.
struct MasterState: Equatable {
    /// The version of the encoding and of its meaning; a program reads its own only.
    static let version: UInt16 = 4

    struct Lock: Equatable {
        var path: String
        var descriptor: Int32
    }

    struct Listener: Equatable {
        var setting: ListenerSetting
        var descriptor: ListenerDescriptor
        var sockets: [Int32]
        /// Whether the socket is systemd's.
        var isHanded: Bool
    }

    struct Child: Equatable {
        var slot: UInt8
        var incarnation: UInt32
        var pid: Int32
        /// In milliseconds of the monotonic clock.
        var started: Int64
        var channel: Int32
        /// The bytes of an incomplete frame.
        var unread: [UInt8]
    }

    struct Client: Equatable {
        var connection: Int32
        var unread: [UInt8]
        /// Requests without an answer.
        var pending: [UInt64]
    }

    /// A request that was relayed to a worker.
    struct Relay: Equatable {
        var id: UInt64
        /// The client's place in `clients`.
        var client: UInt32
        var request: UInt64
        var slot: UInt8
        var incarnation: UInt32
    }

    /// The result that the next program sends to the requester of the restart.
    struct Answer: Equatable {
        var client: UInt32
        var request: UInt64
        var result: Value
    }

    var program: String
    var bundle: ConfigurationBundle
    var generation: UInt32
    var logLevel: String
    /// When the server was started, in milliseconds of the monotonic clock.
    var started: Int64
    var control: Int32
    var segment: Int32
    var locks: [Lock]
    var listeners: [Listener]
    var memory: SupervisorSnapshot
    var workers: [Child]
    var clients: [Client]
    var relays: [Relay]
    var lastRelay: UInt64
    var answer: Answer?

    /// All descriptors that must stay open over exec(3).
    var descriptors: Set<Int32> {
        Set(
            [control, segment] + locks.map(\.descriptor) + listeners.flatMap(\.sockets) + workers.map(\.channel)
                + clients.map(\.connection))
    }
}
