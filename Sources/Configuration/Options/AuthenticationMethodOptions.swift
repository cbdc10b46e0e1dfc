/// `[auth.anonymous]`
public struct AnonymousOptions: Sendable, Equatable {
    /// The ANONYMOUS mechanism, under a name of the server's choice.
    public let allowsMechanism: Bool
    /// Any user name that is nobody's, with any password.
    public let allowsLogin: Bool
    public let allowsMultipleConnections: Bool

    init(_ table: SettingTable) {
        let proto = table.string("protocol") ?? "sasl_anon"
        allowsMechanism = proto != "login_anon"
        allowsLogin = proto != "sasl_anon"
        allowsMultipleConnections = table.boolean("allow_multiple_connections") ?? false
    }
}

/// `[auth.dummy]`
public struct DummyOptions: Sendable, Equatable {
    public let baseTime: Duration
    /// At least a millisecond.
    public let variance: Duration

    init(_ table: SettingTable) {
        baseTime = .milliseconds(table.integer("base_time") ?? 50)
        variance = .milliseconds(table.integer("variance") ?? 450)
    }
}

/// `[auth.external]`
public struct ExternalOptions: Sendable, Equatable {
    public let program: String
    /// Processes of it that a worker may have for a host; at least one.
    public let instances: Int

    init(_ table: SettingTable) {
        program = table.string("program") ?? ""
        instances = table.integer("instances") ?? 1
    }
}

/// `[auth.jwt]`
public struct JWTOptions: Sendable, Equatable {
    /// Where the key is.
    public enum Key: Sendable, Equatable {
        case file(ConfiguredFile)
        /// A variable of the server's environment, with its value.
        case environment(ConfiguredFile)
        case value(Secret)

        /// The option that says so, relative to `auth`.
        public var option: String {
            switch self {
            case .file: "jwt.secret.file"
            case .environment: "jwt.secret.env"
            case .value: "jwt.secret.value"
            }
        }
    }

    public enum Algorithm: String, Sendable, CaseIterable {
        case hs256 = "HS256", hs384 = "HS384", hs512 = "HS512"
        case rs256 = "RS256", rs384 = "RS384", rs512 = "RS512"
        case es256 = "ES256", es384 = "ES384", es512 = "ES512"

        /// 386 is what MongooseIM's documents call 384.
        init?(option: String) { self.init(rawValue: option.hasSuffix("386") ? option.dropLast(2) + "84" : option) }
    }

    public let key: Key
    public let algorithm: Algorithm
    /// The claim that holds the user name.
    public let usernameKey: String

    init(_ table: SettingTable) {
        key =
            if let file = table.file("secret.file") {
                .file(file)
            } else if let variable = table.file("secret.env") {
                .environment(variable)
            } else {
                .value(table.secret("secret.value") ?? Secret(""))
            }
        algorithm = table.string("algorithm").flatMap(Algorithm.init(option:)) ?? .hs256
        usernameKey = table.string("username_key") ?? ""
    }
}

/// `[auth.rdbms]`
public struct RDBMSAuthOptions: Sendable, Equatable {
    /// Count users by the database's estimate.
    public let estimatesCount: Bool

    init(_ table: SettingTable) { estimatesCount = table.boolean("users_number_estimate") ?? false }
}

/// `[auth.http]`
public struct HTTPAuthOptions: Sendable, Equatable {
    /// User name and password with a colon between.
    public let basicAuth: Secret?

    init(_ table: SettingTable) { basicAuth = table.secret("basic_auth") }
}

/// `[auth.ldap]`
public struct LDAPAuthOptions: Sendable, Equatable {
    /// An attribute that holds the user name, and what it looks like: `%u` is the name.
    public struct UserName: Sendable, Equatable {
        public let attribute: String
        public let format: String
    }

    /// A condition on the entry that was found, which may name its attributes.
    public struct EntryFilter: Sendable, Equatable {
        public let filter: String
        public let attributes: [String]
    }

    /// A condition that this server checks itself.
    public struct LocalFilter: Sendable, Equatable {
        public let isEqual: Bool
        public let attribute: String
        public let values: [String]
    }

    public enum Dereference: String, Sendable { case never, always, finding, searching }

    /// The pool that searches, and the one that checks passwords.
    public let poolTag: String
    public let bindPoolTag: String
    public let base: String
    /// At least one.
    public let userNames: [UserName]
    public let filter: String?
    public let entryFilter: EntryFilter?
    public let localFilter: LocalFilter?
    public let dereference: Dereference

    init(_ table: SettingTable) {
        poolTag = table.string("pool_tag") ?? "default"
        bindPoolTag = table.string("bind_pool_tag") ?? "bind"
        base = table.string("base") ?? ""
        let names = table.tables("uids").map {
            UserName(attribute: $0.string("attr") ?? "uid", format: $0.string("format") ?? "%u")
        }
        userNames = names.isEmpty ? [UserName(attribute: "uid", format: "%u")] : names
        filter = table.string("filter")
        entryFilter = table.table("dn_filter").map {
            EntryFilter(filter: $0.string("filter") ?? "", attributes: $0.strings("attributes") ?? [])
        }
        localFilter = table.table("local_filter").map {
            LocalFilter(
                isEqual: $0.string("operation") != "notequal", attribute: $0.string("attribute") ?? "",
                values: $0.strings("values") ?? [])
        }
        dereference = table.string("deref").flatMap(Dereference.init(rawValue:)) ?? .never
    }
}
