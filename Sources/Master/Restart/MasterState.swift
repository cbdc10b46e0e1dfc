internal import IPC
internal import Supervision

/// What one image of the master leaves to the next when the program is executed anew: everything it holds open, by
/// number, and everything it knows that cannot be found out again. Descriptors stay open over exec(3), workers stay
/// children, locks stay held.
struct MasterState: Equatable {
    /// Of the encoding below, and of its meaning.
    static let version: UInt16 = 3

    struct Lock: Equatable {
        var path: String
        var descriptor: Int32
    }

    struct Listener: Equatable {
        var setting: ListenerSetting
        var descriptor: ListenerDescriptor
        var sockets: [Int32]
        /// Whether it is systemd's.
        var isHanded: Bool
    }

    struct Child: Equatable {
        var slot: UInt8
        var incarnation: UInt32
        var pid: Int32
        /// On the clock of the machine, in milliseconds.
        var started: Int64
        var channel: Int32
        /// The beginning of a frame whose end has not come.
        var unread: [UInt8]
    }

    struct Client: Equatable {
        var connection: Int32
        var unread: [UInt8]
        /// Requests that have no answer yet.
        var pending: [UInt64]
    }

    /// A verb that a worker carries out for a client.
    struct Relay: Equatable {
        var id: UInt64
        /// Place among the clients.
        var client: UInt32
        var request: UInt64
        var slot: UInt8
        var incarnation: UInt32
    }

    /// What the next image tells whoever asked for it.
    struct Answer: Equatable {
        var client: UInt32
        var request: UInt64
        var result: Value
    }

    var program: String
    var bundle: ConfigurationBundle
    var generation: UInt32
    var logLevel: String
    /// When the server was started, on the clock of the machine, in milliseconds.
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

    /// Everything that must stay open.
    var descriptors: Set<Int32> {
        Set(
            [control, segment] + locks.map(\.descriptor) + listeners.flatMap(\.sockets) + workers.map(\.channel)
                + clients.map(\.connection))
    }
}
