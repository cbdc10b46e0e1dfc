/// One option: everything that is known about a key of the file. Checker, typed configuration and manual
/// are derived from these rows.
public struct OptionRow: Sendable {
    /// Where the key stands. `*` is a name of the operator's own choice, `[]` follows an array of tables:
    /// `listen.c2s[].tls.mode`, `acl.*[].user`.
    public let path: String
    public let kind: OptionKind
    public let `default`: OptionDefault
    public let editions: Editions
    /// What the option does, for the manual.
    public let sentence: String
    public let alias: OptionAlias?
    let declaredState: OptionState?
    /// What a reload that changes the option does to a server that runs; nil: it holds at once.
    let declaredEffect: String?

    init(
        _ path: String, _ kind: OptionKind, _ default: OptionDefault, _ sentence: String,
        editions: Editions = .both, state: OptionState? = nil, alias: OptionAlias? = nil, effect: String? = nil
    ) {
        self.path = path
        self.kind = kind
        self.default = `default`
        self.editions = editions
        self.sentence = sentence
        self.alias = alias
        declaredState = state
        declaredEffect = effect
    }

    public var state: OptionState { declaredState ?? .inEffect }

    /// The keys of one table, written relative to it; `state` and `effect` are those of rows that name none.
    static func under(
        _ table: String, state: OptionState? = nil, effect: String? = nil, _ rows: [OptionRow]
    ) -> [OptionRow] {
        rows.map { row in
            OptionRow(
                "\(table).\(row.path)", row.kind, row.default, row.sentence,
                editions: row.editions, state: row.declaredState ?? state, alias: row.alias,
                effect: row.declaredEffect ?? effect)
        }
    }
}

/// Which of an option's values are legal.
public indirect enum OptionKind: Sendable, Equatable {
    case boolean
    /// A boolean, or its spelling as a string, which is taken with a warning.
    case booleanOrSpelling
    case integer(ClosedRange<Int64>, OptionUnit)
    case integerOrInfinity(ClosedRange<Int64>, OptionUnit)
    /// A number with a fraction.
    case float
    /// One of a few integers.
    case integers([Int64])
    case text(TextRule)
    case choice([String])
    case secret
    /// The name of a file that is read when the configuration is loaded.
    case file(FileUse)
    /// The name of a variable of the server's environment, which is read when the configuration is loaded.
    case variable
    case list(OptionKind, atLeastOne: Bool)
    /// The first kind that accepts the value counts.
    case either([OptionKind])
    /// A table with rows of its own.
    case section
    /// An array of tables with rows of their own.
    case sections
    /// A table with rows of its own, or, as other releases write it, a value of another kind.
    case sectionOr(OptionKind)
    /// Any value; nothing looks into it.
    case free

    static let positiveRange: ClosedRange<Int64> = 1...Int64(Int32.max)
    static let naturalRange: ClosedRange<Int64> = 0...Int64(Int32.max)

    static func positive(_ unit: OptionUnit = .none) -> OptionKind { .integer(positiveRange, unit) }
    static func natural(_ unit: OptionUnit = .none) -> OptionKind { .integer(naturalRange, unit) }
    static func positiveOrInfinity(_ unit: OptionUnit = .none) -> OptionKind {
        .integerOrInfinity(positiveRange, unit)
    }
    static func naturalOrInfinity(_ unit: OptionUnit = .none) -> OptionKind {
        .integerOrInfinity(naturalRange, unit)
    }
    static let string = OptionKind.text(.any)
    static let name = OptionKind.text(.nonEmpty)
    static let path = OptionKind.text(.path)
    static let port = OptionKind.integer(0...65535, .none)
    static func choices(_ values: String...) -> OptionKind { .choice(values) }
    static func names(_ values: [String]) -> OptionKind { .list(.choice(values), atLeastOne: false) }
    /// A password that may be empty, which says that there is none.
    static let password = OptionKind.either([.secret, .string])
    static let strings = OptionKind.list(.name, atLeastOne: false)
}

/// What an integer counts.
public enum OptionUnit: String, Sendable {
    case none = ""
    case bytes, bytesPerSecond = "bytes per second"
    case milliseconds, seconds, minutes, hours, days
}

/// Which strings are legal, and how they are brought to one form.
public enum TextRule: Sendable, Equatable {
    case any, nonEmpty
    /// A domain name; kept as addresses have it (RFC 7622 §3.2).
    case domain
    /// A domain name, or `*.` before one, which stands for every name with one more part.
    case domainOrWildcard
    /// A domain name, or a name before `.@HOST@`, which stands for the host's name.
    case hostPattern
    case path
    case ipAddress
    /// A literal address, or one with a port.
    case nameServer
    /// An IP address, or one with a prefix length.
    case network
    case language
    /// The local part of an address; kept as addresses have it (RFC 7622 §3.3).
    case localPart
    /// The resource of an address; kept as addresses have it (RFC 7622 §3.4).
    case resource
    /// An address without resource: `user@domain` or `domain`.
    case bareAddress
    /// A path of HTTP in which `:name` stands for one part, and `[]` holds what may be left out.
    case route
    case regularExpression, glob
}

/// What a named file must hold. Only its outer form is looked at here.
public enum FileUse: String, Sendable {
    case certificates = "PEM certificates"
    case privateKey = "a PEM private key"
    case dhParameters = "PEM Diffie-Hellman parameters"
    case revocations = "a PEM certificate revocation list"
    case any = "anything"
}

/// What holds when the key is not in the file.
public enum OptionDefault: Sendable, Equatable {
    /// The key must be there.
    case required
    case unset
    /// The program finds the value; the text says how.
    case computed(String)
    /// The table is there with the defaults of its own keys.
    case present
    case boolean(Bool)
    case integer(Int64)
    case infinity
    case text(String)
    case list([String])
}

/// How far this version has come with an option.
public enum OptionState: Sendable, Equatable {
    case inEffect
    case notYet
    /// Nothing is to be done about it here; the text says what holds instead.
    case accepted(String)
    /// The key is an error; the text says why.
    case refused(String)
}

/// The releases whose documentation has the key. `xmppd` marks our own.
public struct Editions: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let release5 = Editions(rawValue: 1)
    public static let release62 = Editions(rawValue: 2)
    public static let release63 = Editions(rawValue: 4)
    public static let xmppd = Editions(rawValue: 8)
    /// Those after 6.3.
    public static let later = Editions(rawValue: 16)

    static let both: Editions = [.release5, .release62]
    static let all: Editions = [.release5, .release62, .release63]
}

/// Another spelling of an option beside it.
public struct OptionAlias: Sendable, Equatable {
    enum Conversion { case none, verifyPeer }

    /// The key that is meant, relative to the table the alias stands in; dots lead into inner tables.
    public let target: String
    let conversion: Conversion

    static func of(_ target: String) -> OptionAlias { OptionAlias(target: target, conversion: .none) }
    static let verifyPeer = OptionAlias(target: "verify_mode", conversion: .verifyPeer)
}
