/// How a listener does TLS.
public struct TLSListenerConfiguration: Sendable, Equatable {
    public enum Mode: String, Sendable {
        case tls, starttls
        case starttlsRequired = "starttls_required"
    }

    /// Two profiles of keys over one TLS library.
    public enum Module: String, Sendable {
        case fastTLS = "fast_tls"
        case justTLS = "just_tls"
    }

    public enum VerifyMode: String, Sendable {
        case peer, none
        case selfsignedPeer = "selfsigned_peer"
    }

    public let mode: Mode
    public let module: Module
    /// `peer` without having been asked for counts only with a `cacertfile`.
    public let verifyMode: VerifyMode
    /// Whether `none` was asked for.
    public let isVerificationOff: Bool
    /// Nil: the certificates of `general.domain_certfile` only.
    public let certfile: ConfiguredFile?
    /// Nil: the key is in `certfile`.
    public let keyfile: ConfiguredFile?
    public let password: Secret?
    public let cacertfile: ConfiguredFile?
    public let dhfile: ConfiguredFile?
    /// An OpenSSL cipher list in which `TLSv1.2` and the like may be versions; nil: all.
    public let ciphers: String?
    /// OpenSSL options by name.
    public let protocolOptions: [String]
    /// `tlsv1` … `tlsv1.3`; nil: all that the library can do.
    public let versions: [String]?
    public let disconnectOnFailure: Bool
    public let crlFiles: [ConfiguredFile]

    /// `module`: what holds where the table does not say.
    init(_ table: SettingTable, module: Module = .fastTLS) {
        let implied: Module = Module.justTLS.ownKeys(in: table).isEmpty ? module : .justTLS
        let module = table.string("module").flatMap(Module.init(rawValue:)) ?? implied
        mode = table.string("mode").flatMap(Mode.init(rawValue:)) ?? .starttls
        self.module = module
        cacertfile = table.file("cacertfile")
        verifyMode =
            table.string("verify_mode").flatMap(VerifyMode.init(rawValue:))
            ?? (cacertfile == nil ? .none : .peer)
        isVerificationOff = table.string("verify_mode") == "none" && table.isGiven("verify_mode")
        certfile = table.file("certfile")
        keyfile = table.file("keyfile")
        password = table.secret("password")
        dhfile = table.file("dhfile")
        ciphers = table.string("ciphers") ?? (module == .fastTLS ? "TLSv1.2:TLSv1.3" : nil)
        protocolOptions =
            table.strings("protocol_options")
            ?? (module == .fastTLS ? ["no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1"] : [])
        versions = table.strings("versions")
        disconnectOnFailure = table.boolean("disconnect_on_failure") ?? true
        crlFiles = table.files("crl_files")
    }
}

extension TLSListenerConfiguration.Module {
    /// The keys of a table that only this module has; `verify_mode` for a value that only it has.
    func ownKeys(in table: SettingTable) -> [String] {
        switch self {
        case .fastTLS: return ["protocol_options"].filter(table.isGiven)
        case .justTLS:
            let keys = ["keyfile", "password", "disconnect_on_failure", "versions", "crl_files"].filter(table.isGiven)
            return keys + (table.string("verify_mode") == "selfsigned_peer" ? ["verify_mode"] : [])
        }
    }
}

/// TLS of a listener, and where it stands in the file.
public struct PlacedTLS: Sendable, Equatable {
    /// `listen.http[1].tls`
    public let path: String
    public let tls: TLSListenerConfiguration

    static func all(in tree: SettingTable) -> [PlacedTLS] {
        [("http", TLSListenerConfiguration.Module.justTLS)].flatMap { section, module in
            tree.tables("listen.\(section)").enumerated().compactMap { index, listener in
                guard let table = listener.table("tls"), table.file("certfile") != nil else { return nil }
                return PlacedTLS(
                    path: "listen.\(section)[\(index + 1)].tls", tls: TLSListenerConfiguration(table, module: module))
            }
        }
    }
}
