import Foundation
import TestKit
import Testing

/// What only OpenSSL can tell of a table of TLS is told by `xmppctl config check`, with the place in the file.
@Suite("TLS that cannot work is refused before anything starts", .needsOpenSSL, .timeLimit(.minutes(5)))
struct ListenerTLSCheckTests {
    private let directory: ScratchDirectory

    init() throws {
        directory = try ScratchDirectory()
        let root = try Authority(in: directory)
        for name in ["one", "two"] { try root.sign(name) }
        try Authority.openssl([
            "pkey", "-in", directory.file("one.key"), "-aes256", "-passout", "pass:sesame", "-out", directory.file("locked.key"),
        ])
        try Authority.join([directory.file("one.pem"), directory.file("two.key")], into: directory.file("mixed.pem"))
        for (name, label) in [
            ("broken", "CERTIFICATE"), ("broken-dh", "DH PARAMETERS"), ("broken-crl", "X509 CRL"), ("broken-key", "PRIVATE KEY"),
        ] {
            try directory.write("-----BEGIN \(label)-----\nMAo=\n-----END \(label)-----\n", to: "\(name).pem")
        }
    }

    /// Lines of the table from line 7, and the key that is wrong with its line.
    private static let rows: [(section: String, lines: [String], key: String, line: Int)] = {
        let just = ["module = \"just_tls\"", "certfile = \"@one.pem\""]
        return [
            ("c2s", ["certfile = \"@mixed.pem\""], "certfile", 7),
            ("c2s", just + ["keyfile = \"@two.key\""], "keyfile", 9),
            ("c2s", just + ["keyfile = \"@locked.key\"", "password = \"wrong\""], "keyfile", 9),
            ("c2s", just + ["keyfile = \"@locked.key\""], "keyfile", 9),
            ("c2s", just + ["keyfile = \"@broken-key.pem\""], "keyfile", 9),
            ("c2s", ["certfile = \"@one-both.pem\"", "ciphers = \"NONSENSE\""], "ciphers", 8),
            ("c2s", ["certfile = \"@one-both.pem\"", "ciphers = \"TLS_NONSENSE\""], "ciphers", 8),
            ("c2s", ["certfile = \"@one-both.pem\"", "dhfile = \"@broken-dh.pem\""], "dhfile", 8),
            ("c2s", ["certfile = \"@one-both.pem\"", "cacertfile = \"@broken.pem\""], "cacertfile", 8),
            (
                "c2s",
                ["certfile = \"@one-both.pem\"", "protocol_options = [\"no_tlsv1_2\", \"no_tlsv1_3\"]"], "protocol_options", 8
            ),
            (
                "c2s", just + ["keyfile = \"@one.key\"", "cacertfile = \"@ca.pem\"", "crl_files = [\"@broken-crl.pem\"]"],
                "crl_files", 11
            ),
            ("c2s", just + ["keyfile = \"@one.key\"", "versions = []"], "versions", 10),
            ("http", ["certfile = \"@one.pem\"", "keyfile = \"@locked.key\"", "password = \"wrong\""], "keyfile", 8),
            ("http", ["certfile = \"@one.pem\"", "keyfile = \"@two.key\""], "keyfile", 8),
            ("http", ["certfile = \"@one-both.pem\"", "ciphers = \"NONSENSE\""], "ciphers", 8),
            ("s2s", ["certfile = \"@mixed.pem\""], "certfile", 7),
            ("s2s", ["certfile = \"@one-both.pem\"", "dhfile = \"@broken-dh.pem\""], "dhfile", 8),
        ]
    }()

    @Test("with file, line, key, value and what was expected")
    func refusals() throws {
        for (section, lines, key, line) in Self.rows {
            let path = try directory.write(
                """
                general = { hosts = ["localhost"], default_server_domain = "localhost" }
                auth.internal = {}

                [[listen.\(section)]]
                  port = 0
                  [listen.\(section).tls]
                \(lines.joined(separator: "\n").replacing("@", with: directory.path + "/"))
                """, to: "xmppd.toml")
            let outcome = try ChildProcess.run(Programs.product("xmppctl"), ["config", "check", path])
            let found = outcome.error.split(separator: "\n").filter { $0.contains("found") }
            #expect(outcome.status == 78 && found.count == 1, "\(lines): \(outcome.error)")
            let text = String(found.first ?? "")
            #expect(text.hasPrefix("\(path):\(line):") && text.contains(": listen.\(section)[1].tls.\(key): "), "\(text)")
            #expect(text.contains("expected "), "\(text)")
        }
    }

    @Test("a certificate of a domain is wrong once, whoever uses it")
    func domainCertificates() throws {
        let path = try directory.write(
            """
            [general]
              hosts = ["localhost"]
              default_server_domain = "localhost"
              domain_certfile = [{ domain = "localhost", certfile = "\(directory.file("mixed.pem"))" }]
            [auth.internal]
            [[listen.c2s]]
              port = 0
              tls.mode = "tls"
            [[listen.c2s]]
              port = 0
              tls.mode = "starttls"
            """, to: "xmppd.toml")
        let outcome = try ChildProcess.run(Programs.product("xmppctl"), ["config", "check", path])
        let lines = outcome.error.split(separator: "\n")
        #expect(outcome.status == 78 && lines.count == 1, "\(outcome.error)")
        #expect(
            lines.first?.hasPrefix("\(path):4:") == true && lines.first?.contains("general.domain_certfile[1].certfile") == true)
    }
}
