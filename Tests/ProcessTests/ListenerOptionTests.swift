import Glibc
import IPC
import TestKit
import Testing
import XML

/// The options of `[[listen.c2s]]` outside TLS, each seen from outside, in the order of the reference.
@Suite("Options of a client listener", .timeLimit(.minutes(5)))
struct ListenerOptionTests {
    private static let iqPing = "<ping xmlns='urn:xmpp:ping'/>"

    // MARK: Where it listens

    @Test("port 0 is chosen by the system and shown; a taken port refuses the start")
    func port() throws {
        let server = try ServerUnderTest()
        #expect(server.port != 0)
        let status = try server.xmppctl("status")
        #expect(status.output.contains("\(server.port)"))
        let other = try ServerUnderTest({ $0.listeners = [] }, isStarted: false)
        try other.configure { $0.rest = "[[listen.c2s]]\n  port = \(server.port)\n  ip_address = \"127.0.0.1\"" }
        #expect(throws: TestFailure.self) { try other.start() }
        #expect(other.log.contains("listen.c2s[1]") && other.log.contains("another program listens there"))
    }

    @Test("ip_address binds that address alone, ip_version the family")
    func addresses() throws {
        let server = try ServerUnderTest {
            $0.listeners = []
            $0.rest = """
                [[listen.c2s]]
                  port = 0
                  ip_address = "127.0.0.2"
                [[listen.c2s]]
                  port = 0
                  ip_version = 6
                [[listen.c2s]]
                  port = 0
                  ip_version = 6
                  ip_address = "127.0.0.3"
                """
        }
        #expect(Sockets.connects("127.0.0.2", server.ports[0]))
        #expect(!Sockets.connects("127.0.0.1", server.ports[0]))
        #expect(Sockets.connects("::1", server.ports[1]))
        #expect(!Sockets.connects("127.0.0.1", server.ports[1]))
        #expect(Sockets.connects("127.0.0.3", server.ports[2]))
    }

    @Test("proto udp binds a UDP socket, counts what comes and answers nothing")
    func datagrams() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "proto = \"udp\""), .init()] }
        #expect(!Sockets.connects("127.0.0.1", server.ports[0]))
        let socket = try DatagramSocket(to: server.ports[0])
        socket.send("<stream:stream>")
        try eventually("the datagram to be counted") {
            (try server.control("status")["listeners"]?.array?.first?["refused"]?.int ?? 0) >= 1
        }
        #expect(!socket.isReadable)
    }

    @Test("backlog is the queue of the socket, within the system's limit")
    func backlog() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "backlog = 17")] }
        let lines = try ChildProcess.run("/usr/bin/env", ["ss", "-ltnH", "sport = :\(server.port)"]).output
        #expect(lines.split(separator: "\n").allSatisfy { $0.split(separator: " ").dropFirst(2).first == "17" }, "\(lines)")
    }

    @Test("without reuse_port nobody else binds the address, with it another process may")
    func reusePort() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(), .init(options: "reuse_port = true")] }
        #expect(!Sockets.canBind(server.ports[0], reusePort: true))
        #expect(!Sockets.canBind(server.ports[0], reusePort: false))
        #expect(Sockets.canBind(server.ports[1], reusePort: true))
        #expect(!Sockets.canBind(server.ports[1], reusePort: false))
        // Either way both workers get their share.
        for listener in 0..<2 {
            var clients: [TestClient] = []
            try eventually("both workers to have connections") {
                clients.append(try server.connect(listener: listener))
                return try server.status().workers.allSatisfy { $0.connections ?? 0 > listener * 2 }
            }
        }
    }

    // MARK: What is in front of the stream

    @Test(
        "with proxy_protocol the address is the proxy's word, in both versions",
        arguments: [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222\r\n", "192.0.2.7"), ("PROXY TCP6 2001:db8::9 ::1 1 2\r\n", "2001:db8::9"),
            ("PROXY UNKNOWN\r\n", "127.0.0.1"),
            (
                "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{0c}\u{0a}\u{01}\u{02}\u{03}\u{0a}\0\0\u{01}\u{10}\u{04}\u{14}\u{66}",
                "10.1.2.3"
            ),
            ("\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0", "127.0.0.1"),
        ])
    func proxyHeader(_ header: String, _ address: String) throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "proxy_protocol = true")] }
        try server.addAccounts("juliet")
        for isSplit in [false, true] {
            let client = try server.connect()
            if isSplit {
                for byte in header.utf8 { try client.send([byte]) }
            } else {
                try client.send(header)
            }
            try client.logIn("juliet", resource: "r\(isSplit)")
            let rows = try server.control("session.list")["rows"]?.array ?? []
            #expect(rows.contains { $0["jid"]?.string == client.address && $0["address"]?.string == address }, "\(rows)")
        }
    }

    @Test("without its header a connection is closed before a word is answered")
    func missingProxyHeader() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "proxy_protocol = true"), .init()] }
        let client = try server.connect()
        try client.send("<?xml version='1.0'?><stream:stream to='localhost' version='1.0'>")
        #expect(try client.ending() == .init(nil, hasFooter: false))
        let silent = try server.connect()
        #expect(try silent.ending() == .init(nil, hasFooter: false))
        // And where none is expected it is bad XML.
        let plain = try server.connect(listener: 1)
        try plain.send("PROXY TCP4 192.0.2.7 10.0.0.1 56324 5222\r\n")
        #expect(try plain.ending().condition != nil)
        #expect(server.log.contains("no PROXY protocol header"))
    }

    @Test("num_acceptors bounds the connections whose header is awaited")
    func acceptors() throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(options: "proxy_protocol = true\nnum_acceptors = 1"), .init(options: "num_acceptors = 1000")]
        }
        let silent = try server.connect()
        let waiting = try server.connect()
        try waiting.send("PROXY UNKNOWN\r\n")
        // The silent one is given up, then the other has its turn.
        #expect(try silent.ending() == .init(nil, hasFooter: false))
        try waiting.open()
        try server.connect(listener: 1).open()
    }

    // MARK: Limits

    @Test("max_connections holds over all workers: one more waits until another goes")
    func connections() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "max_connections = 3"), .init()] }
        try server.addAccounts("juliet")
        var clients = try (0..<3).map { _ in try server.logIn("juliet") }
        let waiting = try server.connect()
        try waiting.send(
            "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        // The server goes on meanwhile.
        try server.connect(listener: 1).open()
        #expect(!waiting.hasInput)
        #expect(try server.status().listeners[0].open == 3)
        try clients.removeLast().disconnect()
        try waiting.wait("its turn") { $0.is("features", "http://etherx.jabber.org/streams") }
    }

    @Test("max_stanza_size counts the stanza and not what came with it")
    func stanzaSize() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "max_stanza_size = 1000")] }
        try server.addAccounts("juliet")
        func message(_ size: Int, _ to: String) -> String {
            let frame = "<message to='\(to)' type='headline'><body></body></message>"
            return frame.replacing("<body>", with: "<body>" + String(repeating: "x", count: size - frame.utf8.count))
        }
        let client = try server.logIn("juliet")
        try client.send(message(1000, client.address) + message(1000, client.address))
        for _ in 0..<2 { try client.wait("a message at the limit") { $0.isNamed("message") } }
        try client.send(message(1001, client.address))
        #expect(try client.ending() == .init("policy-violation"))
    }

    @Test("c2s_state_timeout ends silence before the session, in each step, and never after")
    func stateTimeout() throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(options: "c2s_state_timeout = 300"), .init(options: "state_timeout = 300")]
        }
        try server.addAccounts("juliet")
        for listener in 0..<2 {
            let silent = try server.connect(listener: listener)
            #expect(try silent.ending() == .init("connection-timeout"))
            let halfway = try server.connect(listener: listener)
            try halfway.open()
            #expect(try halfway.ending() == .init("connection-timeout"))
        }
        let client = try server.logIn("juliet")
        let other = try server.connect()
        #expect(try other.ending() == .init("connection-timeout"))
        #expect(try client.ask("get", to: server.domain, Self.iqPing)["type"] == "result")
    }

    @Test("c2s_state_timeout, three times, is all that the steps up to a login may take together")
    func timeOfAllSteps() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "c2s_state_timeout = 1000")] }
        try server.addAccounts("juliet")
        let client = try server.connect()
        try client.open()
        // Each of these ends a silence: without a bound for all of them their number would end the stream.
        var failures = 0
        while failures < 100, (try? client.authenticate("UNKNOWN")) != nil {
            failures += 1
            usleep(100_000)
        }
        // The last attempt has read the stream's end.
        #expect(failures < 100)
        #expect(try server.logIn("juliet").address.hasPrefix("juliet@"))
    }

    @Test("access decides who gets a session on which listener")
    func access() throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(), .init()]
            $0.access = """
                c2s = [{ acl = "blocked", value = "deny" }, { acl = "all", value = "allow" }]
                nobody = [{ acl = "none", value = "allow" }]
                """
            $0.rest = """
                [[acl.blocked]]
                  user = "romeo"
                [[listen.c2s]]
                  port = 0
                  ip_address = "127.0.0.1"
                [[listen.c2s]]
                  port = 0
                  ip_address = "127.0.0.1"
                  access = "undefined"
                """
        }
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.logIn("juliet")
        let client = try server.connect()
        try client.open()
        try client.authenticate("romeo", password: "romeo")
        try client.open()
        let answer = try client.ask("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
        #expect(
            answer["type"] == "error" && answer.child("error")?.has("not-allowed", "urn:ietf:params:xml:ns:xmpp-stanzas") == true)
        #expect(try server.control("session.count")["count"]?.int == 1)
        _ = try server.logIn("romeo", listener: 2)
        #expect(try juliet.ask("get", to: server.domain, Self.iqPing)["type"] == "result")
        #expect(throws: TestFailure.self) { try server.logIn("juliet", listener: 3) }
    }

    @Test("a shaper delays what its user sends, drops nothing, and leaves others alone")
    func shaper() throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(options: "shaper = \"c2s_shaper\"")]
            $0.access = """
                c2s = [{ acl = "all", value = "allow" }]
                c2s_shaper = [{ acl = "fast", value = "none" }, { acl = "all", value = "slow" }]
                """
            $0.rest = "[[acl.fast]]\n  user = \"romeo\"\n[shaper.slow]\n  max_rate = 2000"
        }
        try server.addAccounts("juliet", "romeo")
        let slow = try server.logIn("juliet"), fast = try server.logIn("romeo")
        let begin = Deadline.now
        for number in 0..<20 {
            try slow.send(
                "<message type='headline' id='m\(number)' to='\(slow.address)'><body>\(String(repeating: "x", count: 400))</body></message>"
            )
        }
        #expect(try fast.ask("get", to: server.domain, Self.iqPing)["type"] == "result")
        for number in 0..<20 { try slow.wait("message \(number)") { $0["id"] == "m\(number)" } }
        // 9,700 bytes, of which one second's worth is free: at least three seconds for the rest, however fast the machine.
        #expect(Deadline.now - begin > 3000)
    }

    @Test("backwards_compatible_session lists the session as optional, or not at all")
    func session() throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(), .init(options: "backwards_compatible_session = false")]
        }
        try server.addAccounts("juliet")
        for (listener, isListed) in [(0, true), (1, false)] {
            let client = try server.logIn("juliet", listener: listener)
            let session = client.features.child("session", "urn:ietf:params:xml:ns:xmpp-session")
            #expect((session != nil) == isListed)
            if let session { #expect(session.has("optional", "urn:ietf:params:xml:ns:xmpp-session")) }
            #expect(try client.ask("get", to: server.domain, Self.iqPing)["type"] == "result")
        }
    }

    @Test(
        "hibernate_after gives buffers back at once, later or never; the next stanza works at once",
        arguments: [
            ("0", true), ("50", true), ("\"infinity\"", false),
        ])
    func hibernation(_ value: String, _ hibernates: Bool) throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "hibernate_after = \(value)")] }
        try server.addAccounts("juliet")
        let client = try server.logIn("juliet")
        func count() throws -> Int64 {
            let metrics = try server.control("status")["workers"]?.array ?? []
            return metrics.reduce(0) { $0 + ($1["hibernations"]?.int ?? 0) }
        }
        if hibernates {
            try eventually("a hibernation to be counted") { try count() > 0 }
        } else {
            _ = try client.ask("get", to: server.domain, Self.iqPing)
            #expect(try count() == 0)
        }
        #expect(try client.ask("get", to: server.domain, Self.iqPing)["type"] == "result")
    }

    @Test("max_fsm_queue ends a client that does not read; what was for it is not lost")
    func queue() throws {
        let server = try ServerUnderTest { $0.listeners = [.init(options: "max_fsm_queue = 5"), .init()] }
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet"), romeo = try server.logIn("romeo", listener: 1)
        let body = String(repeating: "x", count: 60_000)
        var sent = 0
        try eventually("juliet's session to be ended", within: 60) {
            for _ in 0..<20 {
                try romeo.send("<message to='\(juliet.address)' type='chat' id='\(sent)'><body>\(body)</body></message>")
                sent += 1
            }
            _ = try romeo.ask("get", to: server.domain, Self.iqPing)
            return try server.control("session.count")["count"]?.int == 1
        }
        #expect(server.log.contains("client does not read"))
    }
}
