import Resolver
import Testing

@testable import Network

/// Two of our servers that speak TLS with one another over a socket.
@LoopActor
private final class Link {
    let server: TestServer
    let events = Events()
    var caller: TestSession?
    var callersPeer: PeerCertificateFacts?
    var accepted: PeerCertificateFacts?
    private var attempt: ConnectAttempt?

    /// - Parameter secured: the calling side, once it has a connection.
    init(accepting: TLSContext, calling: @escaping @LoopActor (Connection) -> Void) {
        server = TestServer { session in
            session.connection.startTLS(TLSContextSet(standard: accepting))
            session.onReceive = { session, _ in session.connection.write("answer") }
        }
        guard let address = InternetAddress("127.0.0.1") else { return }
        attempt = ConnectAttempt(address, port: server.port) { [self] attempt, _ in
            guard let connection = attempt.take() else { return }
            let session = TestSession(connection, events)
            connection.delegate = session
            calling(connection)
            connection.write("question")
            session.onSecured = { [weak self] in self?.callersPeer = $0.connection.peerCertificate }
            caller = session
            events.changed()
        }
    }

    /// Once an answer has come through, or the end.
    func isOver() async throws -> (caller: TestSession, callee: TestSession) {
        #expect(await events.until { self.caller != nil })
        let caller = try #require(caller), callee = try await server.session()
        #expect(await caller.until { $0.reason != nil || $0.received == Array("answer".utf8) })
        accepted = callee.connection.peerCertificate
        return (caller, callee)
    }

    func close() {
        caller?.connection.close(afterFlush: false)
        for session in server.sessions { session.connection.close(afterFlush: false) }
        server.listener.close()
    }
}

@Suite("TLS between servers", .timeLimit(.minutes(5)))
struct ServerTLSTests {
    init() { TestLoop.start() }

    @Test(
        "each side judges the other's certificate as that of a server, and goes on whatever it finds",
        arguments: [
            ("plain", nil), ("server", nil), ("client", "unsuitable certificate purpose"), ("expired", "certificate has expired"),
            ("foreign", "unable to get local issuer certificate"), ("self", "self-signed certificate"),
        ] as [(String, String?)])
    @LoopActor func verdicts(name: String, reason: String?) async throws {
        let link = try Link(
            accepting: ServerCertificates.context(.acceptsServers, name),
            calling: { [context = try ServerCertificates.context(.callsServers, name)] in
                $0.callTLS(context, domain: "d.example", isDirect: true)
            })
        let (caller, _) = try await link.isOver()
        #expect(caller.isSecured && caller.received == Array("answer".utf8), "\(String(describing: caller.reason))")
        let (ofAccepting, ofCalling) = (try #require(link.callersPeer), try #require(link.accepted))
        for facts in [ofAccepting, ofCalling] {
            #expect(facts.isTrusted == (reason == nil) && facts.untrustedReason == reason, "\(facts)")
            #expect(facts.isSelfSigned == (name == "self") && facts.dnsNames.first == "d.example")
            #expect((facts.notBefore < facts.notAfter) == (name != "expired"))
        }
        link.close()
    }

    @Test("names of all kinds are read, in their order, and none of another kind; purposes are in words")
    @LoopActor func names() async throws {
        let link = try Link(
            accepting: ServerCertificates.context(.acceptsServers, "plain"),
            calling: { [context = try ServerCertificates.context(.callsServers, "server")] in
                $0.callTLS(context, domain: "d.example", isDirect: true)
            })
        _ = try await link.isOver()
        let facts = try #require(link.accepted)
        #expect(facts.dnsNames == ["d.example", "*.d.example"] && facts.srvNames == ["_xmpp-server.d.example"])
        #expect(facts.xmppAddresses == ["d.example"] && facts.purposes == ["TLS Web Server Authentication"])
        #expect(link.callersPeer?.purposes == [])
        link.close()
    }

    @Test("of very many names some are read, a name with a NUL in it is none")
    @LoopActor func strangeNames() async throws {
        for (name, count) in [("many", PeerCertificateFacts.limit), ("nul", 1)] {
            let link = try Link(
                accepting: ServerCertificates.context(.acceptsServers, "plain"),
                calling: { [context = try ServerCertificates.context(.callsServers, name)] in
                    $0.callTLS(context, domain: "d.example", isDirect: true)
                })
            _ = try await link.isOver()
            #expect(link.accepted?.dnsNames.count == count && link.accepted?.isTrusted == true, "\(name)")
            #expect(name == "many" || link.accepted?.dnsNames == ["d2.test"])
            link.close()
        }
    }

    @Test("more certificates than anybody needs are not taken")
    @LoopActor func tooMuch() async throws {
        let link = try Link(
            accepting: ServerCertificates.context(.acceptsServers, "plain"),
            calling: { [context = try ServerCertificates.context(.callsServers, "huge")] in
                $0.callTLS(context, domain: "d.example", isDirect: true)
            })
        let (caller, callee) = try await link.isOver()
        #expect(callee.reason == .tls(TLSProblem(.handshake, "excessive message size")) && !callee.isSecured)
        #expect(caller.received.isEmpty)
        link.close()
    }

    @Test("without a certificate the handshake succeeds, too, and without verification nobody is asked for one")
    @LoopActor func none() async throws {
        for (calling, asks) in [(String?.none, true), ("plain", false)] {
            let accepting = try ServerCertificates.context(.acceptsServers, "plain") { if !asks { $0.verification = .none } }
            let link = Link(
                accepting: accepting,
                calling: { [context = try ServerCertificates.context(.callsServers, calling)] in
                    $0.callTLS(context, domain: "d.example", isDirect: false)
                })
            let (caller, callee) = try await link.isOver()
            #expect(caller.isSecured && link.accepted == nil && link.callersPeer?.isTrusted == true)
            #expect(callee.facts?.verification == .noCertificate)
            link.close()
        }
    }

    @Test("the domain is asked for by name, and the protocol where TLS is spoken at once")
    @LoopActor func extensions() async throws {
        for (domain, isDirect) in [("d.example", true), ("d.example", false), ("127.0.0.1", true), ("[::1]", false)] {
            let link = try Link(
                accepting: ServerCertificates.context(.acceptsServers, "plain"),
                calling: { [context = try ServerCertificates.context(.callsServers, nil)] in
                    $0.callTLS(context, domain: domain, isDirect: isDirect)
                })
            let (caller, callee) = try await link.isOver()
            #expect(callee.facts?.serverName == (domain == "d.example" ? domain : nil), "\(domain)")
            #expect(callee.facts?.alpn == (isDirect ? "xmpp-server" : nil) && caller.facts?.alpn == callee.facts?.alpn)
            link.close()
        }
    }

    @Test("authorities: those named, or the system's; one that has signed itself is one if it is named")
    @LoopActor func authorities() async throws {
        for (certificate, authority, isTrusted) in [
            ("plain", "ca.crt", true), ("plain", nil, false), ("plain", "other.crt", false), ("self", "self.crt", true),
            ("plain", "plain.crt", true),
        ] as [(String, String?, Bool)] {
            let link = try Link(
                accepting: ServerCertificates.context(.acceptsServers, "plain", authority: authority),
                calling: { [context = try ServerCertificates.context(.callsServers, certificate)] in
                    $0.callTLS(context, domain: "d.example", isDirect: true)
                })
            _ = try await link.isOver()
            #expect(link.accepted?.isTrusted == isTrusted, "\(certificate) by \(authority ?? "the system")")
            link.close()
        }
    }

    @Test("STARTTLS on a connection of ours: what was sent before it in the clear is never taken for protected")
    @LoopActor func startTLS() async throws {
        let accepting = try ServerCertificates.context(.acceptsServers, "plain")
        let calling = try ServerCertificates.context(.callsServers, "server")
        let server = TestServer { session in
            session.onReceive = { session, bytes in
                guard !session.connection.isSecure else { return session.connection.write("answer") }
                // One write: the second half is there before the handshake.
                session.connection.write("<proceed/>")
                session.connection.startTLS(TLSContextSet(standard: accepting))
            }
        }
        let address = try #require(InternetAddress("127.0.0.1"))
        let search = Events()
        var session: TestSession?
        let attempt = ConnectAttempt(address, port: server.port) { attempt, _ in
            guard let connection = attempt.take() else { return }
            let new = TestSession(connection, search)
            new.onReceive = { session, _ in
                guard !session.connection.isSecure else { return }
                session.connection.pauseReading()
                session.connection.callTLS(calling, domain: "d.example", isDirect: false)
                session.connection.resumeReading()
                session.connection.write("question")
            }
            connection.delegate = new
            connection.write("<starttls/>")
            session = new
            search.changed()
        }
        #expect(await search.until { session?.received == Array("<proceed/>answer".utf8) })
        #expect(session?.isSecured == true && session?.connection.peerCertificate?.isTrusted == true)
        #expect(try await server.session().received == Array("<starttls/>question".utf8))
        session?.connection.close(afterFlush: false)
        withExtendedLifetime(attempt) {}
        server.listener.close()
    }

    @Test(
        "a peer that is no TLS server, or hangs up in the handshake, ends the connection with a reason", arguments: [true, false])
    @LoopActor func noTLS(answers: Bool) async throws {
        let calling = try ServerCertificates.context(.callsServers, nil)
        let server = TestServer { session in
            session.onReceive = { session, _ in
                if answers { session.connection.write("<?xml version='1.0'?>") } else { session.connection.close(afterFlush: true) }
            }
        }
        let address = try #require(InternetAddress("127.0.0.1"))
        let search = Events()
        var session: TestSession?
        let attempt = ConnectAttempt(address, port: server.port) { attempt, _ in
            guard let connection = attempt.take() else { return }
            session = TestSession(connection, search)
            connection.delegate = session
            connection.callTLS(calling, domain: "d.example", isDirect: true)
            search.changed()
        }
        #expect(await search.until { session?.reason != nil })
        guard case .tls(let problem) = session?.reason else {
            return #expect(Bool(false), "\(String(describing: session?.reason))")
        }
        #expect(problem.part == .handshake && session?.isSecured == false)
        withExtendedLifetime(attempt) {}
        server.listener.close()
    }

    @Test("a session is never taken up again, so no verdict comes from an earlier one", arguments: ["-tls1_2", "-tls1_3"])
    @LoopActor func noResumption(version: String) async throws {
        let context = try ServerCertificates.context(.acceptsServers, "plain")
        let server = TestServer { session in
            session.connection.startTLS(TLSContextSet(standard: context))
            session.onReceive = { session, _ in
                session.connection.write("answer\n")
                session.connection.close(afterFlush: true)
            }
        }
        let file = "\(ServerCertificates.directory)/session\(version)", port = server.port
        func run(_ option: String) async -> String {
            await Aside.run {
                Shell.run(
                    "echo hello | timeout 10 openssl s_client -connect 127.0.0.1:\(port) -ign_eof \(version) \(option) \(file) 2>&1"
                )
            }
        }
        let first = await run("-sess_out")
        #expect(first.contains("answer") && !first.contains("TLS session ticket:"))
        let second = await run("-sess_in")
        #expect(second.contains("answer") || second.contains("unable to load") || second.contains("Can't open"))
        #expect(!second.contains("Reused, "))
        server.listener.close()
    }

    @Test("versions before TLS 1.2 are not spoken, even if they are named; a handshake is not begun anew")
    @LoopActor func oldVersions() async throws {
        #expect(throws: TLSProblem(.versions, "servers speak TLS 1.2 or later with one another")) {
            try ServerCertificates.context(.acceptsServers, "plain") { $0.versions = [.tlsv1, .tlsv1_1] }
        }
        let context = try ServerCertificates.context(.acceptsServers, "plain") { $0.versions = [.tlsv1_1, .tlsv1_2] }
        let server = TestServer { $0.connection.startTLS(TLSContextSet(standard: context)) }
        let port = server.port
        let old = await Aside.run {
            Shell.run("echo | timeout 10 openssl s_client -connect 127.0.0.1:\(port) -tls1_1 -cipher ALL:@SECLEVEL=0 2>&1")
        }
        #expect(old.contains("alert protocol version"), "\(old)")
        let renegotiation = await Aside.run {
            Shell.run("(echo R; timeout 2 tail -f /dev/null) | timeout 10 openssl s_client -connect 127.0.0.1:\(port) -tls1_2 2>&1")
        }
        #expect(renegotiation.contains("no renegotiation"), "\(renegotiation)")
        server.listener.close()
    }
}
