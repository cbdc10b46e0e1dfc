import Foundation

/// A server of other people's that the server under test asks. It can be killed, can hang, and comes back as it was.
public class Counterpart {
    public let directory: ScratchDirectory
    /// Free when it was looked for: such servers do not choose one themselves.
    public let port: UInt16
    private var process: ChildProcess?

    /// - Parameter port: where it is to listen, if that had to be known before.
    init(in directory: ScratchDirectory, port: UInt16? = nil) throws {
        self.directory = directory
        self.port = try port ?? TCPSocket.freePort()
    }

    deinit { process?.signal(SIGCONT) }

    /// The program and its arguments, of which the first process is the server itself.
    func command() throws -> [String] { throw TestFailure("no counterpart") }

    /// Starts it and waits until it takes connections.
    public func start() throws {
        let log = open(directory.file("counterpart.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(log) }
        let words = try command()
        let child = try ChildProcess(words[0], Array(words.dropFirst()), output: log, error: log)
        process = child
        try eventually("\(words[0]) to listen; its log: \(directory.read("counterpart.log"))", within: 60) {
            if let status = child.wait(Deadline(seconds: 0)) {
                throw TestFailure("\(words[0]) ended with status \(status): \(directory.read("counterpart.log"))")
            }
            return try isReady()
        }
    }

    func isReady() throws -> Bool { (try? TCPSocket(port: port)) != nil }

    /// What ends it at once, with all that belongs to it.
    var deathSignal: Int32 { SIGKILL }

    public func kill() throws {
        process?.signal(SIGCONT)
        process?.signal(deathSignal)
        guard process?.wait() != nil else { throw TestFailure("a counterpart cannot be killed") }
        process = nil
    }

    /// It keeps its connections and says nothing more.
    public func hang() { process?.signal(SIGSTOP) }
    public func resume() { process?.signal(SIGCONT) }
}

/// PostgreSQL with one database, a user `xmppd` with the password `secret`, and MongooseIM's table of users.
public final class PostgreSQLServer: Counterpart {
    private let programs: String

    /// Where Debian has the programs; nil if they are not installed.
    public static let programs: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { $0.compare($1, options: .numeric) == .orderedDescending }.map { "\(root)/\($0)/bin" }
            .first { FileManager.default.isExecutableFile(atPath: "\($0)/postgres") }
    }()

    public init() throws {
        guard let programs = Self.programs else { throw TestFailure("PostgreSQL is not installed") }
        self.programs = programs
        try super.init(in: ScratchDirectory())
        // PostgreSQL refuses to be root, and so must reach its directory as somebody else.
        chmod(directory.path, 0o711)
        try directory.write("secret\n", to: "password")
        chmod(directory.file("password"), 0o644)
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
        if let account = Self.account { chown(data, account.user, account.group) }
        try run(
            unprivileged([
                "\(programs)/initdb", "-D", data, "-U", "xmppd", "-A", "scram-sha-256", "--pwfile",
                directory.file("password"), "-N", "--locale=C.UTF-8",
            ]))
        try start()
        try sql(
            """
            CREATE TABLE users (server varchar(250), username varchar(250), password text NOT NULL, pass_details text, \
            created_at timestamp NOT NULL DEFAULT now(), PRIMARY KEY (server, username))
            """)
    }

    private var data: String { directory.file("data") }

    /// Whom to become; nil where the tests do not run as root.
    private static let account: (user: UInt32, group: UInt32)? = {
        guard getuid() == 0, let entry = getpwnam("postgres") else { return nil }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }()

    /// The command as somebody who is not root.
    private func unprivileged(_ words: [String]) -> [String] {
        guard let account = Self.account, let setpriv = Programs.installed("setpriv") else { return words }
        return [setpriv, "--reuid", "\(account.user)", "--regid", "\(account.group)", "--clear-groups"] + words
    }

    override func command() -> [String] {
        let settings = [
            "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=", "fsync=off", "log_statement=all",
        ]
        return unprivileged(["\(programs)/postgres", "-D", data] + settings.flatMap { ["-c", $0] })
    }

    /// It takes connections before it answers.
    override func isReady() throws -> Bool { (try? sql("SELECT 1")) != nil }

    /// Its own word for an end at once, without its children living on.
    override var deathSignal: Int32 { SIGQUIT }

    /// What a statement prints.
    @discardableResult
    public func sql(_ statement: String) throws -> String {
        try run(
            ["\(programs)/psql", "-h", "127.0.0.1", "-p", "\(port)", "-U", "xmppd", "-d", "postgres", "-Atqc", statement],
            variables: ["PGPASSWORD": "secret"])
    }

    @discardableResult
    private func run(_ words: [String], variables: [String: String] = [:]) throws -> String {
        let outcome = try ChildProcess.run(words[0], Array(words.dropFirst()), variables: variables)
        guard outcome.status == 0 else { throw TestFailure("\(words[0]): \(outcome.error)") }
        return outcome.output
    }
}

/// OpenLDAP's directory with people below `ou=people,dc=example,dc=org`.
public final class DirectoryServer: Counterpart {
    public static let manager = "cn=manager,dc=example,dc=org"
    private let slapd: String
    private let isEncrypted: Bool

    /// - Parameters:
    ///   - people: user names, which are their passwords, too.
    ///   - certificate: with one it speaks TLS from the first byte, and only that.
    public init(people: [String], more: String = "", certificate: Certificate? = nil) throws {
        guard let slapd = Self.program, let slapadd = Programs.installed("slapadd") ?? Self.sbin("slapadd") else {
            throw TestFailure("slapd is not installed")
        }
        self.slapd = slapd
        isEncrypted = certificate != nil
        try super.init(in: ScratchDirectory())
        try FileManager.default.createDirectory(atPath: directory.file("data"), withIntermediateDirectories: false)
        let tls = certificate.map { "TLSCertificateFile \($0.certificate)\nTLSCertificateKeyFile \($0.key)" } ?? ""
        try directory.write(
            """
            include /etc/ldap/schema/core.schema
            include /etc/ldap/schema/cosine.schema
            include /etc/ldap/schema/inetorgperson.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            pidfile \(directory.file("slapd.pid"))
            \(tls)
            database mdb
            suffix "dc=example,dc=org"
            rootdn "\(Self.manager)"
            rootpw secret
            directory \(directory.file("data"))
            access to attrs=userPassword by anonymous auth by * none
            access to * by dn.exact="\(Self.manager)" read by * none

            """, to: "slapd.conf")
        try directory.write(Self.entries(people) + more, to: "people.ldif")
        let outcome = try ChildProcess.run(
            slapadd, ["-f", directory.file("slapd.conf"), "-l", directory.file("people.ldif")])
        guard outcome.status == 0 else { throw TestFailure("slapadd: \(outcome.error)") }
        try start()
    }

    /// Debian has it where users do not look for programs.
    public static let program = Programs.installed("slapd") ?? sbin("slapd")

    private static func sbin(_ name: String) -> String? {
        FileManager.default.isExecutableFile(atPath: "/usr/sbin/\(name)") ? "/usr/sbin/\(name)" : nil
    }

    private static func entries(_ people: [String]) -> String {
        let root = """
            dn: dc=example,dc=org
            objectClass: dcObject
            objectClass: organization
            o: Example
            dc: example

            dn: ou=people,dc=example,dc=org
            objectClass: organizationalUnit
            ou: people


            """
        return root + people.map(person).joined()
    }

    /// The entry of a person.
    public static func person(_ name: String) -> String {
        """
        dn: uid=\(name),ou=people,dc=example,dc=org
        objectClass: inetOrgPerson
        uid: \(name)
        cn: \(name)
        sn: \(name)
        employeeType: active
        userPassword: \(name)


        """
    }

    override func command() -> [String] {
        [slapd, "-h", "\(isEncrypted ? "ldaps" : "ldap")://127.0.0.1:\(port)", "-f", directory.file("slapd.conf"), "-d", "0"]
    }
}

/// A web service that knows users (`Tests/Interop/auth_service.py`).
public final class UserService: Counterpart {
    public static let credentials = "xmppd:secret"

    public init() throws {
        try super.init(in: ScratchDirectory())
        try start()
    }

    override func command() throws -> [String] {
        guard let python = Programs.installed("python3") else { throw TestFailure("python3 is not installed") }
        return [
            python, "\(Programs.root)/Tests/Interop/auth_service.py", "\(port)", directory.file("users.json"), Self.credentials,
        ]
    }

    /// The requests so far, as `GET user_exists juliet@localhost`.
    public var requests: [String] { directory.read("counterpart.log").split(separator: "\n").map(String.init) }

    /// What it keeps of the users' passwords.
    public var users: [String: String] {
        (try? JSONDecoder().decode([String: String].self, from: Data(directory.read("users.json").utf8))) ?? [:]
    }

    public func setUsers(_ users: [String: String]) throws {
        try directory.write(String(decoding: try JSONEncoder().encode(users), as: UTF8.self), to: "users.json")
    }
}

extension TCPSocket {
    /// A port of the loopback interface where nobody listens now.
    public static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { Glibc.close(descriptor) }
        var address = sockaddr_in(), length = socklen_t(MemoryLayout<sockaddr_in>.size)
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw TestFailure("no free port: \(String(cString: strerror(errno)))") }
        return UInt16(bigEndian: address.sin_port)
    }
}
