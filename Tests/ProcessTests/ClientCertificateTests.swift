import Foundation
import TestKit
import Testing

/// SASL EXTERNAL over real TLS, with certificates made by OpenSSL and shown by Python.
@Suite(
    "Logins with a client certificate (XEP-0178)",
    .enabled(if: Programs.canRun(Programs.installed("python3"), Programs.installed("openssl")), "python3 or openssl is missing"),
    .timeLimit(.minutes(5)))
struct ClientCertificateTests {
    private struct Case: Encodable {
        var port = 0
        var certificate: String?
        var key: String?
        var authzid: String?

        enum CodingKeys: CodingKey { case port, certificate, key, authzid }

        /// With null for what is nil.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(port, forKey: .port)
            try container.encode(certificate, forKey: .certificate)
            try container.encode(key, forKey: .key)
            try container.encode(authzid, forKey: .authzid)
        }
    }

    private struct Result: Decodable {
        let mechanisms: [String]
        let outcome: String
        var bare: String { String(outcome.prefix { $0 != "/" }) }
    }

    /// Makes a certificate; signed by itself without an authority.
    private func certificate(
        _ name: String, in directory: ScratchDirectory, addresses: [String] = [], commonName: String, by authority: String? = nil
    ) throws {
        let openssl = try #require(Programs.installed("openssl"))
        var words = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=\(commonName)", "-keyout", directory.file("\(name)-key.pem"), "-out", directory.file("\(name).pem"),
        ]
        if !addresses.isEmpty {
            let names = addresses.map { "otherName:1.3.6.1.5.5.7.8.5;UTF8:\($0)" }.joined(separator: ",")
            words += ["-addext", "subjectAltName=\(names)"]
        }
        if let authority {
            words += ["-CA", directory.file("\(authority).pem"), "-CAkey", directory.file("\(authority)-key.pem")]
        }
        let outcome = try ChildProcess.run(openssl, words)
        guard outcome.status == 0 else { throw TestFailure("openssl made no certificate: \(outcome.error)") }
    }

    private func results(_ cases: [Case]) throws -> [Result] {
        let python = try #require(Programs.installed("python3"))
        let input = try cases.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) + "\n" }.joined()
        let outcome = try ChildProcess.run(python, ["\(Programs.root)/Tests/Interop/external.py"], input: input)
        #expect(outcome.status == 0, "\(outcome.error)")
        return try outcome.output.split(separator: "\n").map { try JSONDecoder().decode(Result.self, from: Data($0.utf8)) }
    }

    private func makeServer(_ rules: String = "\"standard\"") throws -> ServerUnderTest {
        let server = try ServerUnderTest(
            {
                let authority = "cacertfile = \"CA\""
                $0.auth =
                    "[auth]\n  sasl_mechanisms = [\"external\", \"plain\"]\n  sasl_external = [\(rules)]\n[auth.pki]\n[auth.dummy]"
                $0.listeners = [
                    .init(.direct, tlsOptions: "\(authority)\nverify_mode = \"peer\""),
                    .init(.direct, tlsOptions: "\(authority)\nverify_mode = \"peer\"\ndisconnect_on_failure = false"),
                    .init(.direct, tlsOptions: "\(authority)\nverify_mode = \"selfsigned_peer\""),
                    .init(.direct, tlsOptions: "verify_mode = \"none\""),
                    .init(
                        .direct, options: "allowed_auth_methods = [\"dummy\"]", tlsOptions: "\(authority)\nverify_mode = \"peer\""),
                ]
            }, isStarted: false)
        let directory = server.directory
        try certificate("ca", in: directory, commonName: "An authority")
        try certificate("juliet", in: directory, addresses: ["Juliet@localhost"], commonName: "x", by: "ca")
        try certificate("two", in: directory, addresses: ["romeo@localhost", "paris@localhost"], commonName: "x", by: "ca")
        try certificate("elsewhere", in: directory, addresses: ["juliet@example.org"], commonName: "juliet", by: "ca")
        try certificate("named", in: directory, commonName: "Mercutio", by: "ca")
        try certificate("self", in: directory, addresses: ["tybalt@localhost"], commonName: "x")
        try server.configure {
            $0.listeners = $0.listeners.map { listener in
                var listener = listener
                listener.tlsOptions = listener.tlsOptions.replacing("\"CA\"", with: "\"\(directory.file("ca.pem"))\"")
                return listener
            }
        }
        try server.start()
        return server
    }

    @Test("the addresses of a good certificate, and nothing else, say who somebody is")
    func standard() throws {
        let server = try makeServer()
        let rows: [(name: String?, listener: Int, authzid: String?, offered: Bool, outcome: String)] = [
            ("juliet", 0, nil, true, "juliet@localhost"), ("juliet", 0, "juliet@localhost", true, "juliet@localhost"),
            ("juliet", 0, "romeo@localhost", true, "not-authorized"), ("juliet", 0, "juliet@example.org", true, "invalid-authzid"),
            ("two", 0, nil, true, "not-authorized"), ("two", 0, "paris@localhost", true, "paris@localhost"),
            ("elsewhere", 0, nil, true, "not-authorized"), ("elsewhere", 0, "juliet@localhost", true, "not-authorized"),
            ("named", 0, nil, true, "not-authorized"), ("named", 0, "mercutio@localhost", true, "not-authorized"),
            (nil, 0, nil, false, "not-authorized"), ("self", 0, nil, false, "handshake"),
            ("juliet", 1, nil, true, "juliet@localhost"), ("self", 1, nil, false, "not-authorized"),
            ("self", 1, "tybalt@localhost", false, "not-authorized"),
            ("self", 2, nil, false, "not-authorized"), ("self", 2, "tybalt@localhost", false, "not-authorized"),
            ("juliet", 2, nil, true, "juliet@localhost"),
            ("juliet", 3, nil, false, "not-authorized"), ("juliet", 4, nil, false, "invalid-mechanism"),
        ]
        let cases = rows.map { row in
            Case(
                port: Int(server.ports[row.listener]), certificate: row.name.map { server.directory.file("\($0).pem") },
                key: row.name.map { server.directory.file("\($0)-key.pem") }, authzid: row.authzid)
        }
        let results = try results(cases)
        #expect(results.count == rows.count)
        for (row, result) in zip(rows, results) {
            #expect(result.bare == row.outcome, "\(row)")
            guard row.outcome != "handshake" else { continue }
            #expect(result.mechanisms == (row.offered ? ["EXTERNAL", "PLAIN"] : ["PLAIN"]), "\(row)")
        }
    }

    @Test("a certificate without addresses counts as auth.sasl_external says")
    func otherRules() throws {
        let server = try makeServer("\"standard\", \"common_name\"")
        func outcome(_ name: String, _ authzid: String? = nil) throws -> String? {
            try results([
                Case(
                    port: Int(server.ports[0]), certificate: server.directory.file("\(name).pem"),
                    key: server.directory.file("\(name)-key.pem"), authzid: authzid)
            ]).first?.bare
        }
        #expect(try outcome("named") == "mercutio@localhost")
        #expect(try outcome("named", "benvolio@localhost") == "not-authorized")
        #expect(try outcome("elsewhere") == "not-authorized")
        try server.configure { $0.auth = $0.auth.replacing("\"common_name\"", with: "\"auth_id\"") }
        #expect(try server.xmppctl("reload").status == 0)
        #expect(try outcome("named", "benvolio@localhost") == "benvolio@localhost")
        #expect(try outcome("named") == "not-authorized")
        #expect(try outcome("juliet", "benvolio@localhost") == "not-authorized")
    }

    @Test(
        "slixmpp: EXTERNAL, ANONYMOUS, and a token with PLAIN", .enabled(if: Programs.canRun(Programs.python), "slixmpp is missing")
    )
    func interoperability() throws {
        let server = try ServerUnderTest(
            {
                $0.auth = """
                    [auth]
                      sasl_mechanisms = ["external", "plain", "anonymous"]
                    [auth.pki]
                    [auth.anonymous]
                    [auth.jwt]
                      secret.value = "top-secret"
                      algorithm = "HS256"
                      username_key = "sub"
                    """
                $0.listeners = [.init(.required)]
            }, isStarted: false)
        let directory = server.directory
        try certificate("ca", in: directory, commonName: "An authority")
        try certificate("juliet", in: directory, addresses: ["juliet@localhost"], commonName: "x", by: "ca")
        try server.configure {
            $0.listeners[0].tlsOptions = "verify_mode = \"peer\"\ncacertfile = \"\(directory.file("ca.pem"))\""
        }
        try server.start()
        let python = try #require(Programs.python)
        func logIn(_ jid: String, _ password: String, _ rest: String...) throws -> String {
            let outcome = try ChildProcess.run(
                python, ["\(Programs.root)/Tests/Interop/slix_login.py", jid, password, "\(server.port)"] + rest)
            #expect(outcome.status == 0, "\(outcome.error.suffix(3000))")
            return String(outcome.output.prefix { $0 != "/" && $0 != "\n" })
        }
        let files = ["juliet.pem", "juliet-key.pem"].map(directory.file)
        #expect(try logIn("juliet@localhost", "", "EXTERNAL", files[0], files[1]) == "juliet@localhost")
        #expect(try logIn("localhost", "", "ANONYMOUS").hasSuffix("@localhost"))
        #expect(
            try logIn("romeo@localhost", try Token.hs256("{\"sub\":\"romeo\"}", key: "top-secret"), "PLAIN") == "romeo@localhost")
        #expect(try logIn("romeo@localhost", "wrong", "PLAIN") == "authentication failed")
    }
}
