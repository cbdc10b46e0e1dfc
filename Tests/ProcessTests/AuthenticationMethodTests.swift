import Foundation
import TestKit
import Testing
import XML

@Suite("Methods of authentication", .timeLimit(.minutes(5)))
struct AuthenticationMethodTests {
    private static let internalAuth = "[auth.password]\n  scram_iterations = 4096\n[auth.internal]"

    /// The mechanisms that a listener offers.
    private func mechanisms(_ server: ServerUnderTest, listener: Int = 0) throws -> [String] {
        let client = try server.connect(listener: listener)
        try client.open()
        try client.disconnect()
        return client.mechanisms
    }

    /// What becomes of PLAIN: nil for success.
    private func plain(_ server: ServerUnderTest, _ user: String, _ password: String, listener: Int = 0) throws -> String? {
        let client = try server.connect(listener: listener)
        try client.open()
        return try client.authenticate("PLAIN", "\0\(user)\0\(password)")
    }

    @Test("each listener offers what its methods can serve, and asks no other")
    func listeners() throws {
        let server = try ServerUnderTest {
            $0.auth = """
                [auth]
                  methods = ["internal", "dummy", "anonymous"]
                  sasl_mechanisms = ["plain", "anonymous", "scram_sha256", "scram_sha1"]
                [auth.password]
                  hash = ["sha256"]
                  scram_iterations = 4096
                [auth.internal]
                [auth.dummy]
                  base_time = 0
                  variance = 1
                [auth.anonymous]
                """
            $0.listeners = [nil, "\"internal\"", "\"dummy\"", "\"anonymous\"", "\"pki\""].map {
                .init(options: $0.map { "allowed_auth_methods = [\($0)]" } ?? "")
            }
        }
        try server.addAccounts("juliet")
        #expect(try mechanisms(server) == ["PLAIN", "ANONYMOUS", "SCRAM-SHA-256"])
        #expect(try mechanisms(server, listener: 1) == ["PLAIN", "SCRAM-SHA-256"])
        #expect(try mechanisms(server, listener: 2) == ["PLAIN"])
        #expect(try mechanisms(server, listener: 3) == ["ANONYMOUS"])
        #expect(try mechanisms(server, listener: 4) == [])
        #expect(try plain(server, "juliet", "juliet", listener: 1) == nil)
        #expect(try plain(server, "juliet", "wrong", listener: 1) == "not-authorized")
        #expect(try plain(server, "anybody", "wrong", listener: 2) == nil)
        #expect(try plain(server, "anybody", "wrong", listener: 1) == "not-authorized")
        #expect(try plain(server, "anybody", "wrong", listener: 3) == "invalid-mechanism")
        #expect(try plain(server, "juliet", "juliet", listener: 4) == "invalid-mechanism")
    }

    @Test("anonymous: a name of the server's choice; any name that is nobody's; gone with the session, on either worker")
    func anonymous() throws {
        let server = try ServerUnderTest {
            $0.auth =
                "[auth]\n  methods = [\"internal\", \"anonymous\"]\n\(Self.internalAuth)\n[auth.anonymous]\n  protocol = \"both\""
        }
        try server.addAccounts("juliet")
        var names: Set<String> = []
        for _ in 0..<2 {
            let client = try server.connect()
            try client.open()
            #expect(try client.authenticate("ANONYMOUS") == nil)
            try client.open()
            try client.bind()
            names.insert(client.bare)
            #expect(try client.ask("get", "<query xmlns='jabber:iq:roster'/>")["type"] == "result")
            let change =
                "<query xmlns='jabber:iq:register'><username>\(client.bare.prefix { $0 != "@" })</username><password>x</password></query>"
            let refusal = try client.ask("set", to: "localhost", change)
            #expect(refusal.child("error")?.firstChild?.name == "not-allowed")
            try client.disconnect()
        }
        #expect(names.count == 2)
        #expect(try plain(server, "juliet", "anything") == "not-authorized")
        for slot in 0..<2 {
            let guest = try server.logIn("guest", toWorker: slot)
            for other in 0..<4 { #expect(try plain(server, "guest", "x") == "not-authorized", "\(other)") }
            #expect(try server.xmppctl("account", "exists", "guest@localhost").status == 0)
            #expect(try server.xmppctl("account", "add", "guest@localhost", input: "x\n").status != 0)
            try guest.disconnect()
            try eventually("the name to be free") { try plain(server, "guest", "x") == nil }
        }
        #expect(try server.xmppctl("account", "exists", "guest@localhost").status == 1)
    }

    @Test("jwt: a token signed by the right key, with the right name, at the right time")
    func tokens() throws {
        let server = try ServerUnderTest {
            $0.auth = "[auth.jwt]\n  secret.value = \"top-secret\"\n  algorithm = \"HS256\"\n  username_key = \"user\""
        }
        #expect(try mechanisms(server) == ["PLAIN"])
        let now = Int(Date().timeIntervalSince1970)
        let rows: [(String, String?)] = [
            ("{\"user\":\"juliet\"}", nil),
            ("{\"user\":\"Juliet\",\"exp\":\(now + 600),\"nbf\":\(now - 600),\"iat\":\(now - 600)}", nil),
            ("{\"user\":\"juliet\",\"exp\":\(now + 600).5}", nil),
            ("{\"user\":\"romeo\"}", "not-authorized"), ("{\"sub\":\"juliet\"}", "not-authorized"),
            ("{\"user\":7}", "not-authorized"),
            ("{\"user\":\"juliet\",\"exp\":\(now - 5)}", "not-authorized"),
            ("{\"user\":\"juliet\",\"nbf\":\(now + 600)}", "not-authorized"),
            ("{\"user\":\"juliet\",\"iat\":\(now + 600)}", "not-authorized"),
            ("{\"user\":\"juliet\",\"exp\":\"tomorrow\"}", "not-authorized"),
        ]
        for (claims, expected) in rows {
            #expect(try plain(server, "juliet", Token.hs256(claims, key: "top-secret")) == expected, "\(claims)")
        }
        let right = "{\"user\":\"juliet\"}"
        #expect(try plain(server, "juliet", Token.hs256(right, key: "other")) == "not-authorized")
        #expect(try plain(server, "juliet", Token.unsigned(right)) == "not-authorized")
        for garbage in ["x", "a.b.c", "..", String(repeating: "y", count: 5000)] {
            #expect(try plain(server, "juliet", garbage) == "not-authorized")
        }
    }

    @Test("jwt with a public key: its signatures count, and not those made with it as a secret")
    func publicKeys() throws {
        for (algorithm, options) in [
            ("RS256", ["-algorithm", "RSA"]), ("ES256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ] {
            let directory = try ScratchDirectory()
            let key = try Token.keyPair(in: directory, options)
            let server = try ServerUnderTest {
                $0.auth =
                    "[auth.jwt]\n  secret.file = \"\(key.publicKey)\"\n  algorithm = \"\(algorithm)\"\n  username_key = \"user\""
            }
            let right = "{\"user\":\"juliet\"}"
            #expect(try plain(server, "juliet", Token.signed(right, algorithm, by: key.privateKey, in: directory)) == nil)
            #expect(
                try plain(server, "romeo", Token.signed(right, algorithm, by: key.privateKey, in: directory)) == "not-authorized")
            let text = try String(contentsOfFile: key.publicKey, encoding: .utf8)
            #expect(try plain(server, "juliet", Token.hs256(right, key: text)) == "not-authorized")
        }
    }

    @Test("keys and programs that cannot be used are named with file, line and key before anything starts")
    func refused() throws {
        let directory = try ScratchDirectory()
        let ec = try Token.keyPair(in: directory, ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])
        try directory.write("", to: "empty")
        func jwt(_ key: String, _ algorithm: String) -> String {
            "[auth.jwt]\n  secret.\(key)\n  algorithm = \"\(algorithm)\"\n  username_key = \"user\""
        }
        let rows = [
            (jwt("value = \"x\"", "RS256"), "auth.jwt.secret.value", "RSA public key"),
            (jwt("file = \"\(ec.publicKey)\"", "ES256"), "auth.jwt.secret.file", "256 bits"),
            (jwt("file = \"\(ec.privateKey)\"", "ES384"), "auth.jwt.secret.file", "public key"),
            (jwt("file = \"\(directory.file("empty"))\"", "HS256"), "auth.jwt.secret.file", "empty"),
            (jwt("env = \"XMPPD_NO_SUCH_VARIABLE\"", "HS256"), "auth.jwt.secret.env", "XMPPD_NO_SUCH_VARIABLE"),
            ("[auth.external]\n  program = \"/nowhere/program\"", "auth.external.program", "/nowhere/program"),
            ("[auth.external]\n  program = \"\(directory.file("empty"))\"", "auth.external.program", "execute"),
        ]
        for (auth, path, words) in rows {
            let server = try ServerUnderTest({ $0.auth = auth }, isStarted: false)
            let check = try server.xmppctl("config", "check", server.configuration)
            #expect(check.status == 78, "\(auth)")
            #expect(
                check.error.contains(#/xmppd\.toml:\d+:\d+: /#) && check.error.contains("\(path): ") && check.error.contains(words),
                "\(check.error)")
        }
    }
}
