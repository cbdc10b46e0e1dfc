/// How much is told: MongooseIM's names for `general.loglevel`, from silence to everything.
///
/// Ordered by how much is let through: `none < emergency < … < debug < all`.
public enum LogLevel: String, CaseIterable, Comparable, Sendable {
    case none, emergency, alert, critical, error, warning, notice, info, debug, all

    /// The place in the order, 0 for `none` to 9 for `all`.
    @usableFromInline var rank: UInt8 {
        switch self {
        case .none: 0
        case .emergency: 1
        case .alert: 2
        case .critical: 3
        case .error: 4
        case .warning: 5
        case .notice: 6
        case .info: 7
        case .debug: 8
        case .all: 9
        }
    }

    init(rank: UInt8) {
        self = Self.allCases.first { $0.rank == rank } ?? .info
    }

    /// The priority of syslog(3), 0 (emergency) to 7 (debug).
    var priority: UInt8 {
        switch self {
        case .none, .emergency: 0
        case .alert: 1
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .all: 7
        }
    }

    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}
