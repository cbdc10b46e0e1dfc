import IPC
import Modules
import Network
import TestKit
import Testing

@testable import Worker

/// What clients see of their streams, byte by byte.
@Suite("Streams of clients, as they are on the wire", .timeLimit(.minutes(2)))
struct ClientStreamTests {
    init() { precondition(Loop.runOnThread()) }

    private static let choices =
        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"
    private static let session =
        Lines.success + Lines.answerToRomeo
        + "<stream:features>\(choices)</stream:features>"
        + "<iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>romeo@localhost/r</jid></bind></iq>"
    private static let echo = "<message to='romeo@localhost/r' id='m'><body>é</body></message>"
    private static let echoed = "<message id='m' from='romeo@localhost/r' to='romeo@localhost/r'><body>é</body></message>"

    @Test(
        "a login and a message to oneself, in one piece or in many, with all that follows sent at once",
        arguments: [100_000, 97, 1])
    func login(size: Int) async throws {
        let stage = try await WorkerStage("")
        try await stage.account("romeo")
        let client = try StreamTranscript(port: stage.ports[0])
        let whole = Lines.header + Lines.auth + Lines.header + Lines.bind + Self.echo + Lines.footer
        try client.say(whole, by: size)
        #expect(try client.hear() == Lines.answer + Lines.features + Self.session + Self.echoed + Lines.footer)
        #expect(await stage.until { $0.openConnections == 0 })
        await stage.end()
    }

    @Test("what comes in the clear behind the request for TLS counts for nothing")
    func encryption() async throws {
        let directory = try ScratchDirectory()
        let (lines, files) = WorkerStage.tls("starttls_required", try Certificate(in: directory), in: directory)
        let stage = try await WorkerStage(lines, files: files)
        try await stage.account("romeo")
        let client = try StreamTranscript(port: stage.ports[0])
        try client.say(Lines.header)
        let required =
            "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
        #expect(try client.hear(until: "</stream:features>") == Lines.answer + required)
        try client.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\(Lines.header)\(Lines.auth)<half")
        #expect(try client.hear(until: "/>") == "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        _ = try client.socket.startTLS(domain: WorkerStage.domain)
        try client.say(Lines.header + Lines.auth + Lines.header + Lines.bind + Self.echo + Lines.footer)
        let heard = try client.hear()
        #expect(heard.hasPrefix(Lines.answer + "<stream:features><mechanisms "))
        #expect(heard.hasSuffix(Self.session + Self.echoed + Lines.footer))
        await stage.end()
    }

    @Test("registrations are answered one after the other, and whoever made an account may take its time")
    func registration() async throws {
        let stage = try await WorkerStage("c2s_state_timeout = 400", rest: "[modules.mod_register]", catalog: [Registration.self])
        func form(_ id: String, _ user: String) -> String {
            "<iq type='set' id='\(id)'><query xmlns='jabber:iq:register'><username>\(user)</username><password>secret</password></query></iq>"
        }
        let client = try StreamTranscript(port: stage.ports[0])
        try client.say(Lines.header + form("1", "romeo") + form("2", "romeo") + form("3", "juliet"))
        let answers = try client.hear(until: " id='3' from='localhost'/>")
        #expect(answers.contains("<iq type='result' id='1' from='localhost'/><iq type='error' id='2' from='localhost'>"))
        // A client that comes later and makes no account is at its end first.
        let other = try StreamTranscript(port: stage.ports[0])
        try other.say(Lines.header)
        #expect(try other.hear().hasSuffix(Self.error("connection-timeout") + Lines.footer))
        try client.say(Lines.auth + Lines.header + Lines.bind + Lines.footer)
        #expect(try client.hear() == Self.session + Lines.footer)
        await stage.end()
    }

    @Test("a session that an access rule refuses is answered in order")
    func refusedSession() async throws {
        let rule = "[access]\n  nobody = [{ acl = \"all\", value = \"deny\" }]"
        let stage = try await WorkerStage("", access: "nobody", rest: rule)
        try await stage.account("romeo")
        let client = try StreamTranscript(port: stage.ports[0])
        try client.say(Lines.header + Lines.auth + Lines.header + Lines.bind + Lines.bind + Lines.footer)
        let refusal =
            "<iq type='error' id='b'><error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Access to this listener is denied</text></error></iq>"
        #expect(try client.hear().hasSuffix("</stream:features>" + refusal + refusal + Lines.footer))
        await stage.end()
    }

    @Test("what cannot be read ends the stream with its error, and what came before it has been answered")
    func malformed() async throws {
        let stage = try await WorkerStage("")
        try await stage.account("romeo")
        let client = try StreamTranscript(port: stage.ports[0])
        try client.say(Lines.header + Lines.auth + Lines.header + Lines.bind + Self.echo + "<message><body></message>" + Self.echo)
        let end = Self.error("not-well-formed") + Lines.footer
        #expect(try client.hear() == Lines.answer + Lines.features + Self.session + Self.echoed + end)
        await stage.end()
    }

    @Test("compressed input may stand directly behind the request for compression")
    func compression() async throws {
        let stage = try await WorkerStage("zlib = 10_000")
        try await stage.account("romeo")
        let client = try StreamTranscript(port: stage.ports[0])
        try client.say(Lines.header + Lines.auth + Lines.header)
        _ = try client.hear(until: Self.choices + "</stream:features>")
        let request = "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"
        let behind = try #require(await Zlib.deflated(Lines.header + Lines.bind + Self.echo + Lines.footer))
        try client.socket.send(Array(request.utf8) + behind)
        let answer = "<compressed xmlns='http://jabber.org/protocol/compress'/>"
        let heard = try client.hearBytes()
        #expect(heard.starts(with: answer.utf8))
        let text = try #require(await Zlib.inflated(Array(heard.dropFirst(answer.utf8.count))))
        let bound =
            "<iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>romeo@localhost/r</jid></bind></iq>"
        let features = "<stream:features>\(Self.choices)</stream:features>"
        #expect(StreamTranscript.plain(text) == Lines.answerToRomeo + features + bound + Self.echoed + Lines.footer)
        await stage.end()
    }

    private static func error(_ condition: String) -> String {
        "<stream:error><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
    }
}
