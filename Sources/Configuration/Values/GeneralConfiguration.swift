/// What `[general]` says.
public struct GeneralConfiguration: Sendable, Equatable {
    /// One of MongooseIM's names of severities: `none`, `emergency` … `debug`, `all`.
    public let logLevel: String
    public let hosts: [String]
    public let hostTypes: [String]
    public let defaultServerDomain: String
    public let language: String
    public let hideServiceName: Bool
    public let httpServerName: String
    /// Nil: for ever.
    public let registrationTimeout: Duration?
    public let replacedWaitTimeout: Duration
    /// Nil: no limit by number.
    public let maxFSMQueue: Int?
    public let domainCertfiles: [DomainCertificate]

    init(_ table: SettingTable) {
        logLevel = table.string("loglevel") ?? "warning"
        hosts = table.strings("hosts") ?? []
        hostTypes = table.strings("host_types") ?? []
        defaultServerDomain = table.string("default_server_domain") ?? hosts.first ?? ""
        language = table.string("language") ?? "en"
        hideServiceName = table.boolean("hide_service_name") ?? false
        httpServerName = table.string("http_server_name") ?? ""
        registrationTimeout = table.integer("registration_timeout").map { .seconds($0) }
        replacedWaitTimeout = .milliseconds(table.integer("replaced_wait_timeout") ?? 2000)
        maxFSMQueue = table.integer("max_fsm_queue")
        domainCertfiles = table.tables("domain_certfile").compactMap(DomainCertificate.init)
    }
}

/// A certificate chain with its key, for one domain.
public struct DomainCertificate: Sendable, Equatable {
    public let domain: String
    public let certfile: ConfiguredFile

    init?(_ table: SettingTable) {
        guard let domain = table.string("domain"), let certfile = table.file("certfile") else { return nil }
        self.domain = domain
        self.certfile = certfile
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    public var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
