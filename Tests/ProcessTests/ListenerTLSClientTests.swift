import Foundation
import TestKit
import Testing

/// Rows 20, 22, 24, 30 and 32 of the keys of listeners: what is made of certificates that clients show.
@Suite("TLS of client listeners: certificates of clients", .needsOpenSSL, .timeLimit(.minutes(5)))
struct ListenerTLSClientTests {
    private let directory: ScratchDirectory
    private let tls: ListenerTLS

    init() throws {
        let directory = try ScratchDirectory()
        self.directory = directory
        let root = try Authority(in: directory)
        try root.sign("server")
        try root.sign("good")
        try root.sign("expired", days: -1)
        try root.sign("revoked")
        try Authority(in: directory, name: "foreign").sign("stranger")
        try Authority.selfSigned("own", in: directory)
        let list = try root.revoke("revoked")
        let fast = """
            mode = "tls"
            certfile = "\(directory.file("server-both.pem"))"
            cacertfile = "\(root.certificate)"
            """
        let just = """
            mode = "tls"
            module = "just_tls"
            certfile = "\(directory.file("server.pem"))"
            keyfile = "\(directory.file("server.key"))"
            cacertfile = "\(root.certificate)"
            """
        tls = try ListenerTLS([
            "fast": fast,
            "fast by alias": fast + "\nverify_peer = true",
            "fast none": fast + "\nverify_mode = \"none\"",
            "fast none by alias": fast + "\nverify_peer = false",
            "just": just,
            "just peer": just + "\nverify_mode = \"peer\"\ncrl_files = [\"\(list)\"]",
            "just self-signed": just + "\nverify_mode = \"selfsigned_peer\"",
            "just none": just + "\nverify_mode = \"none\"",
            "just noting": just + "\ndisconnect_on_failure = false\ncrl_files = [\"\(list)\"]",
            "no authority": "mode = \"tls\"\ncertfile = \"\(directory.file("server-both.pem"))\"",
        ])
    }

    private func succeeds(_ listener: String, _ certificate: String?) throws -> Bool {
        let own = certificate.map { ["-cert", directory.file("\($0).pem"), "-key", directory.file("\($0).key")] } ?? []
        return try tls.handshake(listener, ["-tls1_2"] + own).succeeded
    }

    @Test("each profile takes and refuses what it should")
    func handshakes() throws {
        let all = ["good", "expired", "revoked", "stranger", "own"]
        // Who is taken; without a certificate everybody is.
        let rows: [(listener: String, taken: [String])] = [
            ("fast", all), ("fast by alias", all), ("fast none", all), ("fast none by alias", all), ("no authority", all),
            ("just", ["good", "revoked"]),
            ("just peer", ["good"]),
            ("just self-signed", ["good", "revoked", "own"]),
            ("just none", all),
            ("just noting", all),
        ]
        for (listener, taken) in rows {
            #expect(try succeeds(listener, nil), "\(listener) without a certificate")
            for certificate in all {
                #expect(try succeeds(listener, certificate) == taken.contains(certificate), "\(listener): \(certificate)")
            }
        }
        for listener in ["fast", "fast by alias", "just", "just peer", "just self-signed", "just noting"] {
            let handshake = try tls.handshake(listener)
            #expect(
                handshake.output.contains(#/Acceptable client certificate CA names\nCN = ca\n/#), "\(listener): \(handshake.text)")
        }
        for listener in ["fast none", "fast none by alias", "just none", "no authority"] {
            #expect(try !tls.handshake(listener).isAsked, "\(listener)")
        }
        try tellsInTLS13()
    }

    /// There the refusal comes when the client takes the handshake for done.
    private func tellsInTLS13() throws {
        let openssl = try #require(Programs.installed("openssl"))
        func answer(_ certificate: String) throws -> String {
            let outcome = try ChildProcess.run(
                openssl,
                [
                    "s_client", "-connect", "127.0.0.1:\(try tls.port("just"))", "-tls1_3", "-ign_eof",
                    "-cert", directory.file("\(certificate).pem"), "-key", directory.file("\(certificate).key"),
                ],
                input: "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                    + "to='localhost' version='1.0'></stream:stream>")
            return outcome.output + outcome.error
        }
        #expect(try answer("good").contains("<stream:features>"))
        let refused = try answer("stranger")
        #expect(refused.contains("alert") && !refused.contains("<stream:features>"), "\(refused)")
    }
}
