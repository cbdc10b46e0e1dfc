import Foundation
import XML

/// A server of other people's that other servers talk to, with users of two domains, over one port: `good.NAME`, whose
/// certificate the tests' authority has signed, and `own.NAME`, whose certificate vouches for itself. Whose domains it finds,
/// and whose certificates it trusts, is the test's.
public class ServerPeer: Counterpart {
    public let domains: [String]
    /// Of clients, which come without TLS.
    public let clientPort: UInt16
    let authority: Authority
    let nameServer: UInt16

    /// - Parameters:
    ///   - port: where other servers come.
    ///   - nameServer: the port of the only name server that it asks.
    public init(_ name: String, port: UInt16, authority: Authority, nameServer: UInt16) throws {
        domains = ["good.\(name)", "own.\(name)"]
        clientPort = try TCPSocket.freePort()
        self.authority = authority
        self.nameServer = nameServer
        try super.init(in: ScratchDirectory(), port: port)
        try authority.sign(domains[0], domain: domains[0])
        try Authority.selfSigned(domains[1], in: authority.directory)
        try prepare()
        try start()
    }

    /// Writes what it reads at its start.
    func prepare() throws {}

    func certificate(_ domain: String) -> String { authority.directory.file("\(domain).pem") }
    func key(_ domain: String) -> String { authority.directory.file("\(domain).key") }

    override func isReady() throws -> Bool {
        guard (try? TCPSocket(port: port)) != nil else { return false }
        return (try? TCPSocket(port: clientPort)) != nil
    }

    /// Makes an account with its name as password, by in-band registration (XEP-0077).
    public func addAccount(_ name: String, _ domain: String) throws {
        let client = try connect(domain)
        try client.open()
        let answer = try client.ask(
            "set",
            "<query xmlns='jabber:iq:register'><username>\(name)</username><password>\(name)</password></query>")
        guard answer["type"] == "result" else { throw TestFailure("no account \(name)@\(domain): \(answer)") }
        try client.disconnect()
    }

    private func connect(_ domain: String) throws -> TestClient {
        try TestClient(port: clientPort, domain: domain, of: self)
    }

    /// An available client that has asked for its roster.
    public func join(_ name: String, _ domain: String) throws -> TestClient {
        let client = try connect(domain)
        try client.logIn(name)
        try client.fetchRoster()
        // Not all servers send a client its own presence back.
        try client.send("<presence/>")
        _ = try client.ask("get", to: domain, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        return client
    }

    /// What its log says.
    public var log: String { directory.read("counterpart.log") + directory.read("server.log") }
}

/// Prosody with the modules that it has by default as far as they matter to others, and with stream management between servers.
public final class ProsodyServer: ServerPeer {
    public static let program = Programs.installed("prosody")

    override func prepare() throws {
        try FileManager.default.createDirectory(atPath: directory.file("data"), withIntermediateDirectories: false)
        let hosts = domains.map {
            """
            VirtualHost "\($0)"
            ssl = { certificate = "\(certificate($0))"; key = "\(key($0))"; cafile = "\(authority.certificate)"; }

            """
        }
        // libunbound asks neither this machine nor, without signatures of the root, anybody else of its own accord.
        try directory.write(
            """
            run_as_root = true
            daemonize = false
            pidfile = "\(directory.file("prosody.pid"))"
            data_path = "\(directory.file("data"))"
            certificates = "\(directory.path)"
            log = { { levels = { min = "debug" }, to = "file", filename = "\(directory.file("server.log"))" } }
            interfaces = { "127.0.0.1" }
            c2s_ports = { \(clientPort) }
            s2s_ports = { \(port) }
            c2s_direct_tls_ports = { }
            s2s_direct_tls_ports = { }
            c2s_require_encryption = false
            allow_unencrypted_plain_auth = true
            allow_registration = true
            authentication = "internal_hashed"
            s2s_require_encryption = true
            s2s_secure_auth = false
            ssl = { cafile = "\(authority.certificate)"; }
            unbound = {
              resolvconf = false, hoststxt = false, forward = { "127.0.0.1@\(nameServer)" };
              options = { ["do-not-query-localhost:"] = "no", ["module-config:"] = "iterator" };
            }
            modules_enabled = {
              "disco"; "roster"; "saslauth"; "tls"; "dialback"; "smacks"; "vcard"; "ping"; "register_ibr"; "time"; "version";
              "carbons"; "blocklist"; "private"; "posix";
            }

            """ + hosts.joined(), to: "prosody.cfg.lua")
    }

    override func command() throws -> [String] {
        guard let program = Self.program else { throw TestFailure("prosody is not installed") }
        return [program, "--config", directory.file("prosody.cfg.lua"), "-F"]
    }
}

/// ejabberd with the modules that it has by default as far as they matter to others.
public final class EjabberdServer: ServerPeer {
    /// The directory of Erlang's libraries with ejabberd among them; nil if it is not installed.
    public static let libraries: String? = {
        guard Programs.installed("erl") != nil else { return nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
        return names.map { "/usr/lib/\($0)" }.first {
            let parts = (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? []
            return parts.contains { $0.hasPrefix("ejabberd-") }
        }
    }()

    override func prepare() throws {
        try FileManager.default.createDirectory(atPath: directory.file("data"), withIntermediateDirectories: false)
        try directory.write(
            """
            {lookup, [dns]}.
            {resolv_conf, ""}.
            {hosts_file, ""}.
            {nameserver, {127,0,0,1}, \(nameServer)}.

            """, to: "inetrc")
        let chains = domains.map { "  - \"\(authority.directory.file("\($0)-both.pem"))\"" }
        try directory.write(
            """
            loglevel: info
            log_rotate_count: 0
            hosts:
            \(domains.map { "  - \"\($0)\"" }.joined(separator: "\n"))
            certfiles:
            \(chains.joined(separator: "\n"))
            ca_file: "\(authority.certificate)"
            s2s_cafile: "\(authority.certificate)"
            s2s_use_starttls: optional
            listen:
              - port: \(clientPort)
                ip: "127.0.0.1"
                module: ejabberd_c2s
                access: all
              - port: \(port)
                ip: "127.0.0.1"
                module: ejabberd_s2s_in
            auth_method: internal
            auth_password_format: scram
            registration_timeout: infinity
            modules:
              mod_blocking: {}
              mod_carboncopy: {}
              mod_disco: {}
              mod_last: {}
              mod_ping: {}
              mod_privacy: {}
              mod_register:
                ip_access: all
              mod_roster:
                versioning: true
              mod_s2s_dialback: {}
              mod_stream_mgmt: {}
              mod_vcard:
                search: false
              mod_version: {}

            """, to: "ejabberd.yml")
    }

    override func command() throws -> [String] {
        guard let libraries = Self.libraries, let erl = Programs.installed("erl") else {
            throw TestFailure("ejabberd is not installed")
        }
        // Without -name, so that no epmd is started, which would outlive the test.
        return [
            "/usr/bin/env", "HOME=\(directory.path)", "ERL_LIBS=\(libraries)", "ERL_INETRC=\(directory.file("inetrc"))",
            "ERL_CRASH_DUMP=/dev/null", "EJABBERD_CONFIG_PATH=\(directory.file("ejabberd.yml"))",
            "EJABBERD_LOG_PATH=\(directory.file("server.log"))", "EJABBERD_PID_PATH=\(directory.file("ejabberd.pid"))",
            erl, "+K", "true", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "-mnesia", "dir",
            "\"\(directory.file("data"))\"", "-s", "ejabberd", "-noinput",
        ]
    }
}
