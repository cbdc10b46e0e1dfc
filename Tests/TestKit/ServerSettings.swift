internal import Glibc

/// What the configuration of a server under test says; every part can be replaced.
public struct ServerSettings: Sendable, Equatable {
    public enum Encryption: String, Sendable {
        case none
        case optional = "starttls"
        case required = "starttls_required"
        case direct = "tls"
    }

    /// One listener for clients on the loopback interface, as a rule on a port that the system chooses.
    public struct Listener: Sendable, Equatable {
        public var encryption: Encryption
        public var port: UInt16 = 0
        public var address = "127.0.0.1"
        /// More lines of its table.
        public var options: String
        /// More lines of its table of TLS.
        public var tlsOptions: String

        public init(_ encryption: Encryption = .none, options: String = "", tlsOptions: String = "") {
            self.encryption = encryption
            self.options = options
            self.tlsOptions = tlsOptions
        }
    }

    public var workers = 2
    /// The name of the database's file, or its path.
    public var database = "xmppd.sqlite"
    public var hosts = ["localhost"]
    public var listeners = [Listener()]
    /// What `general.registration_timeout` is.
    public var registrationTimeout = "\"infinity\""
    /// More lines of `[general]`.
    public var general = ""
    /// Lines of `[access]`; the rule `c2s` is what listeners ask.
    public var access = "c2s = [{ acl = \"all\", value = \"allow\" }]\nmax_user_sessions = [{ acl = \"all\", value = 50 }]"
    /// The methods of authentication.
    public var auth = """
        [auth.internal]
        [auth.password]
          format = "scram"
          scram_iterations = 4096
        """
    /// Tables of `[modules.…]`.
    public var modules = ServerSettings.allModules
    /// Seconds.
    public var drainTimeout = 5
    /// Seconds; more than elsewhere, since machines that test are busy.
    public var watchdogTimeout = 60
    /// More lines of `[xmppd]`.
    public var native = ""
    /// Whatever else, at the end.
    public var rest = ""
    /// More of the environment of the master.
    public var variables: [String: String] = [:]

    public init() {}

    /// What a server for people has.
    public static let allModules = """
        [modules.mod_roster]
          versioning = true
        [modules.mod_presence]
        [modules.mod_offline]
        [modules.mod_carboncopy]
        [modules.mod_blocking]
        [modules.mod_disco]
        [modules.mod_caps]
        [modules.mod_csi]
        [modules.mod_ping]
        [modules.mod_last]
        [modules.mod_time]
        [modules.mod_version]
        [modules.mod_private]
        [modules.mod_vcard]
        [modules.mod_register]
        """

    func text(in directory: ScratchDirectory, _ certificate: Certificate?) -> String {
        """
        [general]
          hosts = [\(hosts.map { "\"\($0)\"" }.joined(separator: ", "))]
          default_server_domain = "\(hosts[0])"
          loglevel = "info"
          registration_timeout = \(registrationTimeout)
          \(general)

        \(auth)

        \(listeners.map { Self.table($0, certificate) }.joined(separator: "\n"))
        [access]
        \(access)

        \(modules)

        [xmppd]
          workers = \(workers)
          drain_timeout = \(drainTimeout)
          watchdog_timeout = \(watchdogTimeout)
          stop_timeout = 5
          control_socket = "\(directory.file("control.sock"))"
          pid_file = "\(directory.file("xmppd.pid"))"
          storage.path = "\(database.hasPrefix("/") ? database : directory.file(database))"
          \(native.contains("user =") ? "" : Self.account)
          \(native)

        \(rest)
        """
    }

    /// Where root runs the tests of a machine with the package on it, workers stay root: their files are root's.
    private static let account = geteuid() == 0 && getpwnam("xmppd") != nil ? "user = \"root\"" : ""

    private static func table(_ listener: Listener, _ certificate: Certificate?) -> String {
        var text = """
            [[listen.c2s]]
              port = \(listener.port)
              ip_address = "\(listener.address)"
              access = "c2s"
              \(listener.options)

            """
        guard listener.encryption != .none, let certificate else { return text }
        text += """
              [listen.c2s.tls]
                mode = "\(listener.encryption.rawValue)"
                module = "just_tls"
                certfile = "\(certificate.certificate)"
                keyfile = "\(certificate.key)"
                \(listener.tlsOptions)

            """
        return text
    }
}
