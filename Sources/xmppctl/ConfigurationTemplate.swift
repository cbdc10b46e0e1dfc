/// The configuration that `xmppctl setup` writes. With its presets it is the file that packages install.
struct ConfigurationTemplate: Equatable {
    static let certificate = "/etc/xmppd/cert.pem"
    static let key = "/etc/xmppd/key.pem"

    var domain = "localhost"
    /// The account of the administrator; empty for none.
    var admin = ""
    var certificate = Self.certificate
    var key = Self.key

    /// Whether there is a user `xmppd` for the workers, as packages make it.
    var hasOwnAccount = true

    init(
        domain: String = "localhost", admin: String = "", certificate: String = Self.certificate, key: String = Self.key,
        hasOwnAccount: Bool = true
    ) {
        (self.domain, self.admin, self.certificate, self.key, self.hasOwnAccount) = (domain, admin, certificate, key, hasOwnAccount)
    }

    /// What a text was made with; nil if it says anything else than this template does.
    init?(madeWith text: String) {
        func value(_ start: String, _ end: String) -> String {
            guard let start = text.firstRange(of: start)?.upperBound, let end = text[start...].firstRange(of: end)?.lowerBound
            else { return "" }
            return Self.unquoted(text[start..<end])
        }
        domain = value("  hosts = [\"", "\"]\n")
        admin = value("\n  admin = [{ user = \"", "\", server = ")
        certificate = value("    certfile = \"", "\"\n")
        key = value("    keyfile = \"", "\"\n")
        hasOwnAccount = text.contains("\n[xmppd]\n")
        guard self.text == text else { return nil }
    }

    private static func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    private static func unquoted(_ text: some StringProtocol) -> String {
        String(text).replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
    }

    private var remark: String {
        certificate == Self.certificate
            ? "    # Made by the installation for the name of the machine and signed by nobody: have real ones here.\n" : ""
    }

    private var administrators: String {
        admin.isEmpty
            ? "# admin = [{ user = \"admin\", server = \(Self.quoted(domain)) }]"
            : "admin = [{ user = \(Self.quoted(admin)), server = \(Self.quoted(domain)) }]"
    }

    /// What packages say of the workers: whom to run as, where their data are.
    private var ownAccount: String {
        guard hasOwnAccount else { return "" }
        return """

            [xmppd]
              user = "xmppd"
              group = "xmppd"
              [xmppd.storage]
                path = "/var/lib/xmppd/xmppd.sqlite"

            """
    }

    var text: String {
        """
        # The configuration of xmppd. /usr/share/doc/xmppd/examples/xmppd.toml shows more of it with comments,
        # xmppd.toml(5) lists every option. After a change: xmppctl config check /etc/xmppd/xmppd.toml, then
        # systemctl reload xmppd. `xmppctl setup` writes a file for your domain; a mongooseim.toml works as it is.

        [general]
          # The domains served here.
          hosts = [\(Self.quoted(domain))]
          default_server_domain = \(Self.quoted(domain))
          loglevel = "notice"
          max_fsm_queue = 1000

        [[listen.c2s]]
          port = 5222
          # All IPv4 addresses; for IPv6 have a listener more, with ip_address = "::".
          access = "c2s"
          shaper = "c2s_shaper"
          max_stanza_size = 262144
          [listen.c2s.tls]
            mode = "starttls_required"
            module = "just_tls"
        \(remark)    certfile = \(Self.quoted(certificate))
            keyfile = \(Self.quoted(key))
            verify_mode = "none"

        # TLS from the first byte (XEP-0368).
        [[listen.c2s]]
          port = 5223
          access = "c2s"
          shaper = "c2s_shaper"
          max_stanza_size = 262144
          [listen.c2s.tls]
            mode = "tls"
            module = "just_tls"
            certfile = \(Self.quoted(certificate))
            keyfile = \(Self.quoted(key))
            verify_mode = "none"

        # Other servers; without this and [s2s] the server keeps to itself.
        [[listen.s2s]]
          port = 5269
          shaper = "s2s_shaper"
          max_stanza_size = 262144
          [listen.s2s.tls]
            certfile = \(Self.quoted(certificate))
            keyfile = \(Self.quoted(key))

        # Certificates prove who is who, or else dialback does; "required_trusted" takes certificates alone.
        [s2s]
          use_starttls = "required"
          [s2s.outgoing.tls]
            certfile = \(Self.quoted(certificate))
            keyfile = \(Self.quoted(key))

        [auth]
          methods = ["internal"]
          [auth.password]
            format = "scram"
            hash = ["sha", "sha256", "sha512"]
          [auth.internal]

        [acl]
          \(administrators)

        [access]
          c2s = [{ acl = "all", value = "allow" }]
          c2s_shaper = [{ acl = "all", value = "normal" }]
          s2s_shaper = [{ acl = "all", value = "fast" }]
          max_user_sessions = [{ acl = "all", value = 10 }]
          max_user_offline_messages = [{ acl = "all", value = 100 }]

        [shaper]
          # Bytes a second that one connection may send.
          normal = { max_rate = 50000 }
          fast = { max_rate = 1000000 }

        [modules]
          [modules.mod_roster]
            versioning = true
          [modules.mod_presence]
          [modules.mod_offline]
          [modules.mod_carboncopy]
          [modules.mod_blocking]
          [modules.mod_disco]
          [modules.mod_caps]
          [modules.mod_csi]
          [modules.mod_stream_management]
          [modules.mod_mam]
            [modules.mod_mam.pm]
          [modules.mod_ping]
            send_pings = true
            timeout_action = "kill"
          [modules.mod_last]
          [modules.mod_time]
          [modules.mod_version]
          [modules.mod_private]
          [modules.mod_vcard]

        """ + ownAccount
    }
}
