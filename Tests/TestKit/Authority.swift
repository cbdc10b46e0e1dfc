import Foundation

/// A certificate authority of a test's own, with everything it signs, in files of one directory. It takes `openssl`.
public struct Authority: Sendable {
    public let directory: ScratchDirectory
    private let name: String

    /// Makes a root that is called `name`.
    public init(in directory: ScratchDirectory, name: String = "ca") throws {
        self.directory = directory
        self.name = name
        try Self.openssl([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=\(name)",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign,cRLSign",
            "-keyout", file("key"), "-out", file("pem"),
        ])
    }

    /// The file of the root's certificate.
    public var certificate: String { file("pem") }

    private func file(_ suffix: String) -> String { directory.file("\(name).\(suffix)") }

    /// A certificate with its key: files `NAME.pem`, `NAME.key`, and both in `NAME-both.pem`.
    /// - Parameter days: how long it is good; a negative number makes one that has expired.
    @discardableResult
    public func sign(_ subject: String, domain: String = "localhost", days: Int = 30, isAuthority: Bool = false) throws -> String {
        let base = directory.file(subject)
        let extensions =
            isAuthority
            ? "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n" : "subjectAltName=DNS:\(domain)\n"
        try directory.write(extensions, to: "\(subject).ext")
        try Self.openssl([
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(subject)", "-keyout", base + ".key", "-out", base + ".csr",
        ])
        try Self.openssl([
            "x509", "-req", "-in", base + ".csr", "-CA", file("pem"), "-CAkey", file("key"), "-CAcreateserial",
            "-days", "\(days)", "-extfile", base + ".ext", "-out", base + ".pem",
        ])
        try Self.join([base + ".pem", base + ".key"], into: base + "-both.pem")
        return base
    }

    /// An authority below this one.
    public func intermediate(_ name: String) throws -> Authority {
        try sign(name, isAuthority: true)
        return Authority(directory, name)
    }

    private init(_ directory: ScratchDirectory, _ name: String) {
        self.directory = directory
        self.name = name
    }

    /// The file of a list that revokes a certificate this authority has signed.
    public func revoke(_ subject: String) throws -> String {
        try directory.write("", to: "\(name).index")
        try directory.write("01\n", to: "\(name).number")
        let settings = try directory.write(
            """
            [ca]
            default_ca = own
            [own]
            database = \(file("index"))
            crlnumber = \(file("number"))
            default_md = sha256
            default_crl_days = 30
            """, to: "\(name).cnf")
        let common = ["ca", "-config", settings, "-cert", file("pem"), "-keyfile", file("key")]
        try Self.openssl(common + ["-revoke", directory.file("\(subject).pem")])
        try Self.openssl(common + ["-gencrl", "-out", file("crl")])
        return file("crl")
    }

    /// A certificate that vouches for itself, with its key, under the same names of files.
    @discardableResult
    public static func selfSigned(_ subject: String, in directory: ScratchDirectory) throws -> String {
        let base = directory.file(subject)
        try openssl([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=\(subject)",
            "-addext", "basicConstraints=CA:FALSE", "-addext", "subjectAltName=DNS:\(subject)", "-keyout", base + ".key", "-out",
            base + ".pem",
        ])
        try join([base + ".pem", base + ".key"], into: base + "-both.pem")
        return base
    }

    /// One file with what several hold.
    public static func join(_ files: [String], into path: String) throws {
        let contents = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
        try contents.joined().write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// Runs `openssl`, which must succeed.
    @discardableResult
    public static func openssl(_ arguments: [String]) throws -> String {
        guard let program = Programs.installed("openssl") else { throw TestFailure("openssl is not installed") }
        let outcome = try ChildProcess.run(program, arguments)
        guard outcome.status == 0 else { throw TestFailure("openssl \(arguments.joined(separator: " ")): \(outcome.error)") }
        return outcome.output
    }
}
