/// A value as a file or the row of an option has it.
public enum PlainValue: Sendable, Equatable {
    case boolean(Bool)
    case integer(Int64, OptionUnit)
    case infinity
    case text(String)
    case list([String])
    /// Nothing is said, and there is no default.
    case unset
}

extension PlainValue {
    /// Nil for a default that is none: a mandatory key, or what the program finds.
    init?(_ row: OptionRow) {
        switch row.default {
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value, row.kind.unit)
        case .infinity: self = .infinity
        case .text(let text): self = .text(text)
        case .list(let values): self = .list(values)
        case .unset: self = .unset
        case .required, .computed, .present: return nil
        }
    }
}

extension OptionKind {
    /// What its integers count.
    var unit: OptionUnit {
        switch self {
        case .integer(_, let unit), .integerOrInfinity(_, let unit): unit
        default: .none
        }
    }
}

/// A type that a module's property for an option may have.
public protocol OptionValue: Sendable, Equatable {
    /// Nil for a value that is none of this type.
    init?(option: PlainValue)
    /// Whether every value of an option of this kind is one of this type.
    static func fits(_ kind: OptionKind) -> Bool
}

extension Bool: OptionValue {
    public init?(option: PlainValue) {
        guard case .boolean(let value) = option else { return nil }
        self = value
    }

    public static func fits(_ kind: OptionKind) -> Bool { kind == .boolean }
}

/// For numbers; a time is a `Duration`.
extension Int: OptionValue {
    public init?(option: PlainValue) {
        guard case .integer(let value, _) = option else { return nil }
        self.init(value)
    }

    public static func fits(_ kind: OptionKind) -> Bool {
        guard case .integer(_, let unit) = kind else { return false }
        return unit.seconds(1) == nil && unit != .milliseconds
    }
}

extension OptionUnit {
    /// That many of the unit; nil for one that counts no time, or no whole seconds.
    fileprivate func seconds(_ count: Int64) -> Duration? {
        switch self {
        case .seconds: .seconds(count)
        case .minutes: .seconds(count * 60)
        case .hours: .seconds(count * 3600)
        case .days: .seconds(count * 86400)
        case .none, .bytes, .bytesPerSecond, .milliseconds: nil
        }
    }
}

extension Duration: OptionValue {
    public init?(option: PlainValue) {
        guard case .integer(let value, let unit) = option,
            let duration = unit == .milliseconds ? .milliseconds(value) : unit.seconds(value)
        else { return nil }
        self = duration
    }

    public static func fits(_ kind: OptionKind) -> Bool {
        guard case .integer(_, let unit) = kind else { return false }
        return unit == .milliseconds || unit.seconds(1) != nil
    }
}

/// For text that is checked by a rule; one of a few words is an `OptionChoice`.
extension String: OptionValue {
    public init?(option: PlainValue) {
        guard case .text(let text) = option else { return nil }
        self = text
    }

    public static func fits(_ kind: OptionKind) -> Bool {
        if case .text = kind { true } else { false }
    }
}

extension [String]: OptionValue {
    public init?(option: PlainValue) {
        switch option {
        case .list(let values): self = values
        case .unset: self = []
        default: return nil
        }
    }

    public static func fits(_ kind: OptionKind) -> Bool {
        if case .list(.text, _) = kind { true } else { false }
    }
}

/// Nil stands for `"infinity"`, or for an option without default that is not set.
extension Optional: OptionValue where Wrapped: OptionValue {
    public init?(option: PlainValue) {
        switch option {
        case .infinity, .unset: self = .none
        default:
            guard let value = Wrapped(option: option) else { return nil }
            self = .some(value)
        }
    }

    public static func fits(_ kind: OptionKind) -> Bool {
        if case .integerOrInfinity(let range, let unit) = kind { return Wrapped.fits(.integer(range, unit)) }
        return Wrapped.fits(kind)
    }
}

/// One of a few words, which are the cases.
public protocol OptionChoice: OptionValue, RawRepresentable<String>, CaseIterable {}

extension OptionChoice {
    public init?(option: PlainValue) {
        guard case .text(let text) = option else { return nil }
        self.init(rawValue: text)
    }

    public static func fits(_ kind: OptionKind) -> Bool {
        guard case .choice(let words) = kind else { return false }
        return words.sorted() == allCases.map(\.rawValue).sorted()
    }
}

/// Where something is kept: with `true` or the name of any store in the database.
public enum OptionalStore: OptionValue {
    case none, database

    public init?(option: PlainValue) {
        switch option {
        case .text, .boolean(true): self = .database
        case .boolean(false), .unset: self = .none
        default: return nil
        }
    }

    public static func fits(_ kind: OptionKind) -> Bool {
        guard case .either(let kinds) = kind else { return false }
        return kinds.allSatisfy { if case .choice = $0 { true } else { $0 == .boolean } }
    }
}
