import Foundation
import TestKit
import Testing

/// Rows 19, 21, 23 and 25 to 31 of the keys of listeners: what a listener shows, and which handshakes come about.
@Suite("TLS of client listeners: certificates, versions and suites", .needsOpenSSL, .timeLimit(.minutes(5)))
struct ListenerTLSTests {
    private let directory: ScratchDirectory
    private let tls: ListenerTLS

    init() throws {
        let directory = try ScratchDirectory()
        self.directory = directory
        let root = try Authority(in: directory)
        let middle = try root.intermediate("middle")
        let leaf = try middle.sign("leaf")
        try root.sign("single")
        for name in ["one", "two", "wild"] { try root.sign(name) }
        try Authority.join([leaf + ".pem", middle.certificate, leaf + ".key"], into: directory.file("chain.pem"))
        try Authority.openssl([
            "pkey", "-in", directory.file("single.key"), "-aes256", "-passout", "pass:sesame", "-out", directory.file("locked.key"),
        ])
        try Authority.openssl(["dhparam", "-dsaparam", "-out", directory.file("dh.pem"), "2048"])
        let fast = "mode = \"tls\"\ncertfile = \"\(directory.file("single-both.pem"))\""
        let just = """
            mode = "tls"
            module = "just_tls"
            certfile = "\(directory.file("single.pem"))"
            keyfile = "\(directory.file("single.key"))"
            """
        tls = try ListenerTLS(
            [
                "fast": fast,
                "just": just,
                "starttls": fast.replacing("\"tls\"", with: "\"starttls\""),
                "required": fast.replacing("\"tls\"", with: "\"starttls_required\""),
                "chain": "mode = \"tls\"\ncertfile = \"\(directory.file("chain.pem"))\"\ncacertfile = \"\(root.certificate)\"",
                // The authorities that are trusted do not lengthen the chain that is shown.
                "short":
                    "mode = \"tls\"\ncertfile = \"\(directory.file("leaf-both.pem"))\"\ncacertfile = \"\(middle.certificate)\"",
                "dh": fast + "\ndhfile = \"\(directory.file("dh.pem"))\"",
                "suite": just + "\nciphers = \"ECDHE-RSA-AES128-GCM-SHA256\"",
                "new suite": just + "\nciphers = \"TLS_AES_128_GCM_SHA256\"",
                "words": fast + "\nciphers = \"TLSv1.2\"",
                "only 1.3": fast + "\nprotocol_options = [\"no_tlsv1\", \"no_tlsv1_1\", \"no_tlsv1_2\"]",
                "no 1.3": fast
                    + "\nprotocol_options = [\"no_tlsv1\", \"no_tlsv1_1\", \"no_tlsv1_3\", \"cipher_server_preference\"]",
                "locked": just.replacing("single.key", with: "locked.key") + "\npassword = \"sesame\"",
                "versions": just + "\nversions = [\"tlsv1.2\"]",
                "new version": just + "\nversions = [\"tlsv1.3\"]",
                "old versions": just + "\nversions = [\"tlsv1.1\", \"tlsv1.2\"]",
                "names": "mode = \"tls\"",
                "names later": "mode = \"starttls\"\ncertfile = \"\(directory.file("single-both.pem"))\"",
            ],
            general: """
                domain_certfile = [
                    { domain = "one.example", certfile = "\(directory.file("one-both.pem"))" },
                    { domain = "localhost", certfile = "\(directory.file("two-both.pem"))" },
                    { domain = "*.wild.example", certfile = "\(directory.file("wild-both.pem"))" },
                ]
                """)
    }

    /// One server for all rows: making it takes the most time.
    @Test("each option has its effect")
    func effects() throws {
        try modes()
        try certificates()
        try groups()
        try suites()
        try versions()
        try names()
    }

    /// Row 19; direct TLS answers nothing that is no TLS.
    private func modes() throws {
        #expect(try tls.handshake("fast").succeeded)
        #expect(try tls.handshake("starttls", starttls: "localhost").succeeded)
        #expect(try tls.handshake("required", starttls: "localhost").succeeded)
        let plain = try TCPSocket(port: try tls.port("fast"))
        try plain.send(Array(Self.header.utf8))
        var answer: [UInt8] = []
        while let bytes = plain.receive(Deadline()), !bytes.isEmpty { answer += bytes }
        #expect(!String(decoding: answer, as: UTF8.self).contains("<"))
        #expect(try features("starttls").contains("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"))
        let required = try features("required")
        #expect(required.contains("<required/>") && !required.contains("mechanism"))
    }

    private static let header =
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

    private func features(_ name: String) throws -> String {
        let socket = try TCPSocket(port: try tls.port(name))
        try socket.send(Array(Self.header.utf8))
        var text = ""
        while !text.contains("</stream:features>"), let bytes = socket.receive(Deadline()), !bytes.isEmpty {
            text += String(decoding: bytes, as: UTF8.self)
        }
        return text
    }

    /// Rows 21, 23, 28 and 29: the chain is the file's, the key comes from where the profile has it.
    private func certificates() throws {
        for name in ["fast", "just", "locked"] {
            let handshake = try tls.handshake(name)
            #expect(handshake.subject == "single" && handshake.shown == 1, "\(name): \(handshake.text)")
        }
        let chain = try tls.handshake("chain")
        #expect(chain.subject == "leaf" && chain.shown == 2, "\(chain.text)")
        #expect(try tls.handshake("short").shown == 1)
        let verified = try tls.handshake("chain", ["-tls1_2", "-CAfile", directory.file("ca.pem"), "-verify_return_error"])
        #expect(verified.output.contains("Verify return code: 0 (ok)"), "\(verified.text)")
    }

    /// Row 25: a client with finite-field suites only.
    private func groups() throws {
        let handshake = try tls.handshake("dh", ["-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384", "-msg"])
        #expect(handshake.cipher == "DHE-RSA-AES256-GCM-SHA384", "\(handshake.error)")
        let prime = try Authority.openssl(["dhparam", "-in", directory.file("dh.pem"), "-noout", "-text"])
            .split(separator: "\n").filter { $0.hasPrefix("        ") }.joined().filter(\.isHexDigit).drop { $0 == "0" }
        // What follows it there is the generator.
        #expect(prime.count >= 512)
        let sent = handshake.output.filter(\.isHexDigit).lowercased()
        #expect(sent.contains(prime.prefix(512).lowercased()), "the group is not that of the file")
        #expect(try tls.handshake("fast", ["-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"]).succeeded)
    }

    /// Row 26: what is in the list, and what is not; version words.
    private func suites() throws {
        let inside = try tls.handshake("suite", ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"])
        #expect(inside.cipher == "ECDHE-RSA-AES128-GCM-SHA256", "\(inside.text)")
        #expect(try !tls.handshake("suite", ["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"]).succeeded)
        #expect(try !tls.handshake("suite", ["-tls1_3"]).succeeded)
        #expect(try tls.handshake("suite", []).cipher == "ECDHE-RSA-AES128-GCM-SHA256")
        #expect(try tls.handshake("new suite", []).cipher == "TLS_AES_128_GCM_SHA256")
        #expect(try !tls.handshake("new suite", ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"]).succeeded)
        #expect(try !tls.handshake("new suite").succeeded)
        #expect(try tls.handshake("words").version == "TLSv1.2")
        #expect(try !tls.handshake("words", ["-tls1_3"]).succeeded)
    }

    /// Rows 27 and 31.
    private func versions() throws {
        for name in ["fast", "just"] {
            #expect(try tls.handshake(name).version == "TLSv1.2")
            #expect(try tls.handshake(name, ["-tls1_3"]).version == "TLSv1.3")
            #expect(try !tls.handshake(name, Self.old).succeeded)
        }
        #expect(try !tls.handshake("only 1.3").succeeded)
        #expect(try tls.handshake("only 1.3", ["-tls1_3"]).succeeded)
        #expect(try tls.handshake("no 1.3").succeeded)
        #expect(try !tls.handshake("no 1.3", ["-tls1_3"]).succeeded)
        let chosen = try tls.handshake("no 1.3", ["-tls1_2", "-cipher", "AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384"])
        #expect(chosen.cipher == "ECDHE-RSA-AES256-GCM-SHA384", "the server's preference does not count")
        #expect(try tls.handshake("versions").succeeded)
        #expect(try !tls.handshake("versions", ["-tls1_3"]).succeeded)
        #expect(try tls.handshake("new version", ["-tls1_3"]).succeeded)
        #expect(try !tls.handshake("new version").succeeded)
        let old = try tls.handshake("old versions", Self.old)
        #expect(old.succeeded && old.version != "TLSv1.3", "\(old.text)")
    }

    private static let old = ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"]

    /// `general.domain_certfile`: by the name asked for, by the stream's `to`, and by neither.
    private func names() throws {
        func subject(_ name: String, _ arguments: [String], starttls domain: String? = nil) throws -> String? {
            try tls.handshake(name, ["-tls1_2"] + arguments, starttls: domain).subject
        }
        #expect(try subject("names", ["-noservername"]) == "one")
        #expect(try subject("names", ["-servername", "LocalHost"]) == "two")
        #expect(try subject("names", ["-servername", "a.wild.example"]) == "wild")
        #expect(try subject("names", ["-servername", "a.b.wild.example"]) == "one")
        #expect(try subject("names later", ["-noservername"], starttls: "localhost") == "two")
        #expect(try subject("names later", ["-servername", "elsewhere.example"], starttls: "localhost") == "two")
        #expect(try subject("names later", ["-servername", "one.example"], starttls: "localhost") == "one")
    }
}
