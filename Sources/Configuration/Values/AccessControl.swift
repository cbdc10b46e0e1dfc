/// Whom an access rule is asked about. Parts are in their prepared form.
public struct AccessSubject: Sendable, Equatable {
    /// Nil before authentication, and for a server.
    public let local: String?
    public let domain: String
    public let resource: String?

    public init(local: String?, domain: String, resource: String? = nil) {
        self.local = local
        self.domain = domain
        self.resource = resource
    }
}

/// What an access rule says.
public enum AccessValue: Sendable, Equatable {
    case allow, deny
    case integer(Int)
    /// The name of a shaper, or another word.
    case name(String)

    init(_ text: String) {
        switch text {
        case "allow": self = .allow
        case "deny": self = .deny
        default: self = .name(text)
        }
    }
}

/// The classes and rules of one host, its own before those of the whole server.
public struct AccessControl: Sendable {
    private struct Clause {
        let acl: String
        let value: AccessValue
    }

    private var classes: [String: [AccessPattern]] = [:]
    private var rules: [String: [Clause]] = [:]
    private let hosted: Set<String>

    /// `layers`: pairs of `acl` and `access` tables; clauses of an earlier layer are tried first.
    init(layers: [(acl: SettingTable?, access: SettingTable?)], hosted: Set<String>) {
        self.hosted = hosted
        for layer in layers {
            for name in layer.acl?.entries.keys.sorted() ?? [] {
                classes[name, default: []] += layer.acl?.tables(name).map(AccessPattern.init) ?? []
            }
            for name in layer.access?.entries.keys.sorted() ?? [] {
                rules[name, default: []] += layer.access?.tables(name).compactMap(Self.clause) ?? []
            }
        }
    }

    private static func clause(_ table: SettingTable) -> Clause? {
        guard let acl = table.string("acl") else { return nil }
        if let number = table.integer("value") { return Clause(acl: acl, value: .integer(number)) }
        return table.string("value").map { Clause(acl: acl, value: AccessValue($0)) }
    }

    /// The value of the first clause whose class has the subject. Nil where the rule has none, and where there is no
    /// such rule: both deny. The rules `all` and `none` are always there.
    public func value(rule: String, for subject: AccessSubject, on host: String) -> AccessValue? {
        guard let clauses = rules[rule] else {
            return switch rule {
            case "all": .allow
            case "none": .deny
            default: nil
            }
        }
        return clauses.first { includes($0.acl, subject, on: host) }?.value
    }

    /// Whether a file defines such a rule.
    func hasRule(_ rule: String) -> Bool { rules[rule] != nil }

    /// Whether the class has the subject; a class that is not defined has nobody.
    func includes(_ acl: String, _ subject: AccessSubject, on host: String) -> Bool {
        if let patterns = classes[acl] {
            return patterns.contains { $0.matches(subject, on: host, hosted: hosted) }
        }
        return acl == "all"
    }
}

/// One pattern of a class: all its conditions must hold.
struct AccessPattern: Sendable {
    private enum Scope: String { case all, none, currentDomain = "current_domain", anyHostedDomain = "any_hosted_domain" }

    private enum Condition: Sendable {
        case equal(String)
        case expression(RegularExpression)
        case glob(Glob)

        func holds(for text: String?) -> Bool {
            guard let text else { return false }
            return switch self {
            case .equal(let wanted): wanted == text
            case .expression(let expression): expression.matches(text)
            case .glob(let glob): glob.matches(text)
            }
        }
    }

    private let scope: Scope
    private let user: [Condition]
    private let server: [Condition]
    private let resource: [Condition]

    init(_ table: SettingTable) {
        scope = table.string("match").flatMap(Scope.init(rawValue:)) ?? .currentDomain
        user = Self.conditions(table, "user")
        server = Self.conditions(table, "server")
        resource = Self.conditions(table, "resource")
    }

    private static func conditions(_ table: SettingTable, _ part: String) -> [Condition] {
        var conditions: [Condition] = []
        if let text = table.string(part) { conditions.append(.equal(text)) }
        if let pattern = table.string("\(part)_regexp"),
            case .success(let expression) = RegularExpression.compile(pattern)
        {
            conditions.append(.expression(expression))
        }
        if let glob = table.string("\(part)_glob").flatMap({ Glob($0) }) { conditions.append(.glob(glob)) }
        return conditions
    }

    func matches(_ subject: AccessSubject, on host: String, hosted: Set<String>) -> Bool {
        let isInScope =
            switch scope {
            case .all: true
            case .none: false
            case .currentDomain: subject.domain == host
            case .anyHostedDomain: hosted.contains(subject.domain)
            }
        return isInScope && user.allSatisfy { $0.holds(for: subject.local) }
            && server.allSatisfy { $0.holds(for: subject.domain) }
            && resource.allSatisfy { $0.holds(for: subject.resource) }
    }
}
