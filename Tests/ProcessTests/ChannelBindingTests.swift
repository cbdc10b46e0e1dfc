import Foundation
import TestKit
import Testing

/// SCRAM-*-PLUS over real TLS, computed by another implementation (Python, OpenSSL).
@Suite(
    "Logins bound to the TLS channel",
    .enabled(if: Programs.canRun(Programs.installed("python3"), Programs.installed("openssl")), "python3 or openssl is missing"),
    .timeLimit(.minutes(5)))
struct ChannelBindingTests {
    private struct Case: Encodable {
        var mechanism: String
        var binding: String
        var wrong = false
        var version = "-tls1_3"
    }

    private struct Result: Decodable {
        let outcome: String
        let features: String
    }

    private static let rows: [(Case, String)] = [
        (Case(mechanism: "SCRAM-SHA-1-PLUS", binding: "tls-exporter"), "success"),
        (Case(mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-exporter"), "success"),
        (Case(mechanism: "SCRAM-SHA-512-PLUS", binding: "tls-exporter"), "success"),
        (Case(mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-server-end-point"), "success"),
        (Case(mechanism: "SCRAM-SHA-512-PLUS", binding: "tls-server-end-point", version: "-tls1_2"), "success"),
        // Known before TLS 1.3, and of no use there (RFC 9266 §3).
        (Case(mechanism: "SCRAM-SHA-1-PLUS", binding: "tls-unique", version: "-tls1_2"), "success"),
        (Case(mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-unique", wrong: true, version: "-tls1_2"), "not-authorized"),
        (Case(mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-unique", wrong: true), "malformed-request"),
        (Case(mechanism: "SCRAM-SHA-256", binding: "n"), "success"),
        // Somebody in between has another channel to each side.
        (Case(mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-exporter", wrong: true), "not-authorized"),
        (Case(mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-server-end-point", wrong: true), "not-authorized"),
        // A client that could bind was told that this server cannot (RFC 5802 §6).
        (Case(mechanism: "SCRAM-SHA-256", binding: "y"), "malformed-request"),
    ]

    @Test("succeed for the right channel, fail for any other")
    func bound() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.direct)] }
        try server.addAccounts("juliet")
        let python = try #require(Programs.installed("python3"))
        let lines = try Self.rows.map { String(decoding: try JSONEncoder().encode($0.0), as: UTF8.self) + "\n" }
        let outcome = try ChildProcess.run(
            python,
            [
                "\(Programs.root)/Tests/Interop/channel_binding.py", "\(server.port)", "juliet", "juliet",
                server.certificate?.certificate ?? "",
            ],
            input: lines.joined())
        #expect(outcome.status == 0, "\(outcome.error)")
        let results = try outcome.output.split(separator: "\n").map { try JSONDecoder().decode(Result.self, from: Data($0.utf8)) }
        #expect(results.count == Self.rows.count)
        for ((row, expected), result) in zip(Self.rows, results) { #expect(result.outcome == expected, "\(row)") }
        let features = results.first?.features ?? ""
        for mechanism in ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "PLAIN"] {
            #expect(features.contains("<mechanism>\(mechanism)</mechanism>"), "\(features)")
        }
        for binding in ["tls-exporter", "tls-server-end-point"] { #expect(features.contains("type='\(binding)'"), "\(features)") }
        for ((row, _), result) in zip(Self.rows, results) {
            #expect(result.features.contains("type='tls-unique'") == (row.version == "-tls1_2"), "\(row)")
        }
    }

    @Test(
        "slixmpp binds to either, on either version of TLS",
        .enabled(if: Programs.canRun(Programs.python), "slixmpp is missing; see packaging/dev"),
        arguments: [
            ("tls-exporter", "tlsv1.3", "TLSv1.3"), ("tls-server-end-point", "tlsv1.2", "TLSv1.2"),
            ("tls-server-end-point", "tlsv1.3", "TLSv1.3"),
        ])
    func slixmpp(_ binding: String, _ version: String, _ shown: String) throws {
        let server = try ServerUnderTest { $0.listeners = [.init(.required, tlsOptions: "versions = [\"\(version)\"]")] }
        try server.addAccounts("juliet")
        let python = try #require(Programs.python)
        func logIn(_ more: String...) throws -> String {
            let script = "\(Programs.root)/Tests/Interop/slix_bound.py"
            let words = [script, "juliet@localhost", "juliet", "\(server.port)", "SCRAM-SHA-256-PLUS", binding] + more
            let outcome = try ChildProcess.run(python, words)
            #expect(outcome.status == 0, "\(outcome.error)")
            return outcome.output
        }
        #expect(try logIn() == "SCRAM-SHA-256-PLUS \(shown) juliet@localhost\n")
        #expect(try logIn("wrong") == "not-authorized\n")
    }
}
