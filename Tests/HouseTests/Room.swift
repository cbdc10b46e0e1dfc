/// A room of the house: a target of `Sources/`, the floor it is on, and what its files may import.
struct Room {
    /// Imports go down; from a room to another of the same floor only where its row says so.
    enum Floor: Int, Comparable {
        case shims, values, machines, effects, roof, programs

        static func < (left: Floor, right: Floor) -> Bool { left.rawValue < right.rawValue }
    }

    let name: String
    let floor: Floor
    let rooms: Set<String>
    /// Modules from outside: of packages, of the toolchain.
    let others: Set<String>

    init(_ name: String, _ floor: Floor, _ rooms: Set<String> = [], others: Set<String> = []) {
        self.name = name
        self.floor = floor
        self.rooms = rooms
        self.others = others
    }

    /// Foundation is nowhere: it would cost each worker megabytes.
    /// Values and effects may use the C library; machines, which know neither clock nor file, may not.
    static let all: [Room] = [
        Room("CAres", .shims), Room("CPlatform", .shims), Room("COpenSSL", .shims), Room("CExpat", .shims), Room("CIDN2", .shims),
        Room("CUnistring", .shims), Room("CSQLite", .shims), Room("CSystemd", .shims), Room("CTOML", .shims),
        Room("CZlib", .shims), Room("CPostgreSQL", .shims), Room("CLDAP", .shims), Room("CCurl", .shims),
        Room("CJWT", .shims),

        Room("XML", .values, ["CExpat"], others: ["Glibc"]),
        Room("Preparation", .values, ["CIDN2", "CUnistring"], others: ["Glibc"]),
        Room("XMPP", .values, ["XML", "Preparation"], others: ["Glibc"]),
        Room("SASL", .values, ["COpenSSL", "Preparation"]),
        Room("Configuration", .values, ["CTOML", "Preparation"], others: ["Glibc", "Synchronization"]),
        Room("IPC", .values, ["CPlatform"], others: ["Glibc"]),
        Room("Telemetry", .values, ["CSystemd"], others: ["Glibc", "Logging", "Synchronization"]),
        Room("Resolver", .values, ["CAres"], others: ["Glibc"]),

        Room("Streams", .machines, ["XML", "XMPP", "SASL"]),
        Room("Supervision", .machines),
        Room("Operations", .machines, ["IPC"]),

        Room(
            "Network", .effects, ["COpenSSL", "CPlatform", "CZlib", "IPC", "Resolver", "Telemetry"],
            others: ["Glibc", "Synchronization"]),
        Room("SharedState", .effects, ["CPlatform"], others: ["Glibc", "Synchronization"]),
        Room("Storage", .effects, ["CSQLite", "Telemetry"], others: ["Glibc", "Synchronization"]),
        Room(
            "Pools", .effects,
            ["CPostgreSQL", "CLDAP", "CCurl", "CPlatform", "Configuration", "Telemetry", "Network"],
            others: ["Glibc", "Synchronization"]),
        Room(
            "Authentication", .effects,
            ["CJWT", "XMPP", "SASL", "Configuration", "Telemetry", "Network", "Storage", "Pools"], others: ["Glibc"]),
        Room(
            "Kernel", .effects,
            [
                "XML", "XMPP", "SASL", "Configuration", "IPC", "Telemetry", "Streams", "Operations", "Network", "SharedState",
                "Storage", "Pools", "Authentication",
            ], others: ["Glibc", "Synchronization"]),
        Room(
            "Modules", .effects,
            [
                "XML", "XMPP", "SASL", "Configuration", "IPC", "Telemetry", "Network", "SharedState", "Storage",
                "Authentication", "Kernel",
            ], others: ["Glibc"]),

        Room(
            "Master", .roof,
            ["CPlatform", "CSystemd", "Configuration", "IPC", "Telemetry", "Supervision", "Operations", "SharedState"],
            others: ["Glibc"]),
        Room(
            "Worker", .roof,
            [
                "XML", "XMPP", "SASL", "Configuration", "IPC", "Telemetry", "Streams", "Resolver", "Network",
                "SharedState", "Storage", "Pools", "Authentication", "Kernel",
            ], others: ["Glibc", "Synchronization"]),

        Room("xmppd", .programs, ["IPC", "Master"], others: ["Glibc"]),
        Room("xmppd-worker", .programs, ["Modules", "Worker"], others: ["Glibc"]),
        Room("xmppctl", .programs, ["CPlatform", "IPC", "Operations", "Resolver"], others: ["ArgumentParser", "Glibc"]),
    ]
}
