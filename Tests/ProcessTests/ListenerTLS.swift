import Foundation
import TestKit
import Testing

/// A server whose listeners differ in their tables of TLS, and clients that are `openssl s_client`.
struct ListenerTLS {
    let server: ServerUnderTest
    private let names: [String]

    /// - Parameter tables: lines of `[listen.c2s.tls]`, under the names that tests know them by.
    init(_ tables: KeyValuePairs<String, String>, general: String = "") throws {
        names = tables.map(\.key)
        let rest = tables.map { _, lines in
            """
            [[listen.c2s]]
              port = 0
              ip_address = "127.0.0.1"
              [listen.c2s.tls]
            \(lines)

            """
        }
        server = try ServerUnderTest {
            $0.listeners = []
            $0.general = general
            $0.rest = rest.joined()
        }
    }

    /// What came of a handshake, as the client tells.
    struct Handshake {
        let output: String
        let error: String

        var succeeded: Bool { cipher != nil && cipher != "(NONE)" && !error.contains("alert") }
        var version: String? { first(#/\n(?:New|Reused), (TLSv[0-9.]+), Cipher is/#) }
        var cipher: String? { first(#/Cipher is ([^\n]+)/#) }
        /// The common name of the certificate that was shown.
        var subject: String? { first(#/\nsubject=CN = ([^\n]+)/#) }
        /// How many certificates were shown.
        var shown: Int { output.matches(of: #/-----BEGIN CERTIFICATE-----/#).count }
        var isAsked: Bool { !output.contains("No client certificate CA names sent") || output.contains("Client Certificate Types") }
        var text: String { "\(output)\n\(error)" }

        private func first(_ pattern: some RegexComponent<(Substring, Substring)>) -> String? {
            output.firstMatch(of: pattern).map { String($0.output.1) }
        }
    }

    /// Shakes hands with a listener. TLS 1.2, where a refusal is part of the handshake, unless `arguments` say otherwise.
    func handshake(_ name: String, _ arguments: [String] = ["-tls1_2"], starttls domain: String? = nil) throws -> Handshake {
        let place = try #require(names.firstIndex(of: name))
        let openssl = try #require(Programs.installed("openssl"))
        var words = ["s_client", "-connect", "127.0.0.1:\(server.ports[place])", "-showcerts"]
        if let domain { words += ["-starttls", "xmpp", "-xmpphost", domain] }
        let outcome = try ChildProcess.run(openssl, words + arguments, input: "")
        return Handshake(output: outcome.output, error: outcome.error)
    }

    func port(_ name: String) throws -> UInt16 { server.ports[try #require(names.firstIndex(of: name))] }
}

extension Trait where Self == ConditionTrait {
    static var needsOpenSSL: Self { .enabled(if: Programs.canRun(Programs.installed("openssl")), "openssl is missing") }
}
