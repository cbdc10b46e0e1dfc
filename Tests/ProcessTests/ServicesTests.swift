import Foundation
import TestKit
import Testing
import XML

/// What the server answers itself, to users on both workers: the expectations of the XEPs.
@Suite("Services of the server", .timeLimit(.minutes(5)))
struct ServicesTests {
    private static let info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    private static let items = "<query xmlns='http://jabber.org/protocol/disco#items'/>"

    /// Juliet and Romeo on different workers; the nurse has an account and never was here.
    private func stage() throws -> (server: ServerUnderTest, juliet: TestClient, romeo: TestClient) {
        let server = try ServerUnderTest.shared()
        try server.addAccounts("juliet", "romeo", "nurse")
        let clients = (try server.join("juliet", toWorker: 0), try server.join("romeo", toWorker: 1))
        try clear(clients.0, clients.1)
        return (server, clients.0, clients.1)
    }

    private func condition(_ answer: Element) -> String? { answer.child("error")?.firstChild?.name }

    @Test("discovery: the host to everybody, accounts to those who see their presence (XEP-0030 §3.1, §4.1, §8)")
    func discovery() throws {
        let (_, juliet, romeo) = try stage()
        let host = try juliet.ask("get", to: "localhost", Self.info)
        let query = try #require(host.child("query", "http://jabber.org/protocol/disco#info"))
        #expect(query.children.contains { $0.isNamed("identity") && $0["category"] == "server" && $0["type"] == "im" })
        let features = Set(query.children.filter { $0.isNamed("feature") }.compactMap { $0["var"] })
        for feature in [
            "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", "vcard-temp", "jabber:iq:version",
            "urn:xmpp:ping", "http://jabber.org/protocol/caps", "jabber:iq:private", "urn:xmpp:blocking", "urn:xmpp:carbons:2",
            "jabber:iq:register", "urn:xmpp:time", "jabber:iq:last", "msgoffline",
        ] { #expect(features.contains(feature), "\(feature)") }
        for feature in [
            "urn:xmpp:sm:3", "http://jabber.org/protocol/caps#optimize", "http://jabber.org/protocol/muc", "urn:xmpp:mam:2",
        ] {
            #expect(!features.contains(feature), "\(feature)")
        }
        #expect(try juliet.ask("get", to: "localhost", Self.items)["type"] == "result")

        for account in ["romeo@localhost", "nurse@localhost", "nobody@localhost"] {
            for node in ["", " node='x'"] {
                #expect(
                    condition(try juliet.ask("get", to: account, Self.info.replacing("/>", with: "\(node)/>")))
                        == "service-unavailable", "\(account)")
                let items = try juliet.ask("get", to: account, Self.items.replacing("/>", with: "\(node)/>"))
                #expect(items["type"] == "result", "\(account)")
                #expect(items["from"] == account)
                #expect(items.firstChild?.firstChild == nil, "\(account)")
            }
        }
        let own = try juliet.ask("get", Self.info)
        #expect(own.firstChild?.children.contains { $0["category"] == "account" } == true)

        try befriend(juliet, romeo)
        let friend = try juliet.ask("get", to: "romeo@localhost", Self.info)
        #expect(friend["type"] == "result")
        let resources = try juliet.ask("get", to: "romeo@localhost", Self.items)
        #expect(resources.firstChild?.children.map { $0["jid"] } == [romeo.address])
    }

    @Test("capabilities: the hash in the stream features is that of the host's discovery (XEP-0115 §5.1, §6.2)")
    func capabilities() throws {
        let (_, juliet, romeo) = try stage()
        let caps = try #require(juliet.features.child("c", "http://jabber.org/protocol/caps"))
        #expect(romeo.features.child("c", "http://jabber.org/protocol/caps")?["ver"] == caps["ver"])
        #expect(caps["hash"] == "sha-1")
        let node = "\(caps["node"] ?? "")#\(caps["ver"] ?? "")"
        let answer = try romeo.ask("get", to: "localhost", Self.info.replacing("/>", with: " node='\(node)'/>"))
        let query = try #require(answer.child("query", "http://jabber.org/protocol/disco#info"))
        #expect(query["node"] == node)
        let identities = query.children.filter { $0.isNamed("identity") }.map {
            "\($0["category"] ?? "")/\($0["type"] ?? "")/\($0["xml:lang"] ?? "")/\($0["name"] ?? "")<"
        }
        let features = query.children.filter { $0.isNamed("feature") }.map { "\($0["var"] ?? "")<" }
        #expect(!query.has("x", "jabber:x:data"))
        let text = (identities.sorted() + features.sorted()).joined()
        let openssl = try #require(Programs.installed("openssl"))
        let digest = try ChildProcess.run(openssl, ["dgst", "-sha1", "-r"], input: text).output.prefix(40)
        var bytes = Data()
        var rest = digest[...]
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        #expect(bytes.base64EncodedString() == caps["ver"])
    }

    @Test("vCards: of oneself, of others, of nobody (XEP-0054 §3)")
    func cards() throws {
        let (_, juliet, romeo) = try stage()
        let ask = "<vCard xmlns='vcard-temp'/>"
        let card = """
            <vCard xmlns='vcard-temp'><FN>Juliet &amp; so on ♥</FN><N><FAMILY>Capulet</FAMILY><MIDDLE/></N><TEL><HOME/><NUMBER>1</NUMBER></TEL>\
            <TEL><WORK/><NUMBER>2</NUMBER></TEL><JABBERID>juliet@localhost</JABBERID></vCard>
            """
        let missing = ["nurse@localhost", "nobody@localhost", "juliet@localhost"].map { to in
            Result { condition(try romeo.ask("get", to: to, ask)) }
        }
        for found in missing { #expect(try found.get() == "service-unavailable") }
        #expect(try juliet.ask("set", card)["type"] == "result")
        #expect(try juliet.ask("set", card)["type"] == "result")
        for (client, to) in [(juliet, nil), (juliet, "juliet@localhost"), (romeo, "juliet@localhost")] {
            let answer = try client.ask("get", to: to, ask)
            #expect(answer.child("vCard", "vcard-temp")?.child("FN")?.text == "Juliet & so on ♥")
            #expect(
                answer.child("vCard", "vcard-temp")?.children.filter { $0.isNamed("TEL") }.map { $0.child("NUMBER")?.text } == [
                    "1", "2",
                ])
        }
        #expect(try romeo.ask("set", to: "juliet@localhost", card)["type"] == "error")
        #expect(try romeo.ask("get", to: "localhost", ask)["type"] == "result")
    }

    @Test("small questions: ping, version, time, last activity, private storage")
    func small() throws {
        let (server, juliet, romeo) = try stage()
        let ping = "<ping xmlns='urn:xmpp:ping'/>"
        for to in [nil, "localhost", "juliet@localhost"] { #expect(try juliet.ask("get", to: to, ping)["type"] == "result") }
        let version = try juliet.ask("get", to: "localhost", "<query xmlns='jabber:iq:version'/>")
        #expect(version.firstChild?.child("name")?.text.isEmpty == false)
        #expect(version.firstChild?.child("version")?.text.isEmpty == false)
        let time = try juliet.ask("get", to: "localhost", "<time xmlns='urn:xmpp:time'/>")
        #expect(time.firstChild?.child("utc")?.text.hasSuffix("Z") == true)
        #expect(
            try juliet.ask("get", to: "localhost", "<query xmlns='jabber:iq:last'/>").firstChild?["seconds"].flatMap { Int($0) }
                != nil)
        #expect(condition(try juliet.ask("get", to: "romeo@localhost", "<query xmlns='jabber:iq:last'/>")) == "service-unavailable")

        let note = "<query xmlns='jabber:iq:private'><note xmlns='urn:example:note'><a b='c'>x</a></note></query>"
        #expect(try juliet.ask("set", note)["type"] == "result")
        let second = try server.join("juliet", toWorker: 1)
        let read = "<query xmlns='jabber:iq:private'><note xmlns='urn:example:note'/></query>"
        #expect(try second.ask("get", read).firstChild?.firstChild?.child("a")?.text == "x")
        #expect(try romeo.ask("get", read).firstChild?.firstChild?.firstChild == nil)
        #expect(try romeo.ask("get", to: "juliet@localhost", read)["type"] == "error")
    }

    @Test("carbons: the other resources see both sides of a conversation (XEP-0280)")
    func carbons() throws {
        let (server, juliet, romeo) = try stage()
        let second = try server.join("juliet", toWorker: 1, priority: -1)
        #expect(try second.ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")["type"] == "result")
        _ = try settle([juliet, romeo, second])
        try romeo.send("<message type='chat' to='\(juliet.address)' id='r'><body>x</body></message>")
        try juliet.send("<message type='chat' to='\(romeo.address)' id='s'><body>y</body></message>")
        try romeo.send(
            "<message type='chat' to='\(juliet.address)' id='p'><body>z</body><private xmlns='urn:xmpp:carbons:2'/></message>")
        let heard = try settle([juliet, romeo, second])
        #expect(heard[0].map { $0["id"] } == ["r", "p"])
        let copies = Set(
            heard[2].map { message in
                let copy = message.child(in: "urn:xmpp:carbons:2")
                #expect(message["from"] == "juliet@localhost")
                return
                    "\(copy?.name ?? "") \(copy?.child("forwarded", "urn:xmpp:forward:0")?.child("message", "jabber:client")?["id"] ?? "")"
            })
        #expect(copies == ["received r", "sent s"])
    }

    @Test("a block: nothing passes in either direction, and it looks as if nobody were there (XEP-0191)")
    func blocking() throws {
        let (server, juliet, romeo) = try stage()
        try befriend(juliet, romeo)
        let second = try server.join("juliet", toWorker: 1)
        for client in [juliet, second] { _ = try client.ask("get", "<blocklist xmlns='urn:xmpp:blocking'/>") }
        _ = try settle([juliet, romeo, second])
        let block = "<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>"
        #expect(try juliet.ask("set", block)["type"] == "result")
        for client in [juliet, second] { try client.wait("the push of the block") { $0.has("block", "urn:xmpp:blocking") } }
        for client in [juliet, second] {
            try romeo.wait("her end") { $0["type"] == "unavailable" && $0["from"] == client.address }
        }
        try romeo.send("<message type='chat' id='m' to='juliet@localhost'><body>x</body></message>")
        #expect(condition(try romeo.wait("an error") { $0["id"] == "m" }) == "service-unavailable")
        #expect(condition(try romeo.ask("get", to: juliet.address, "<ping xmlns='urn:xmpp:ping'/>")) == "service-unavailable")
        try second.send("<message type='chat' id='o' to='romeo@localhost'><body>x</body></message>")
        let refusal = try second.wait("an error") { $0["id"] == "o" }
        #expect(condition(refusal) == "not-acceptable")
        #expect(refusal.child("error")?.has("blocked", "urn:xmpp:blocking:errors") == true)
        try juliet.send("<presence><status>Unseen</status></presence>")
        try romeo.send("<presence><status>Unseen</status></presence>")
        #expect(try settle([juliet, second])[1].filter { $0["from"]?.hasPrefix("romeo") == true }.isEmpty)
        #expect(try settle([romeo])[0].filter { $0["from"]?.hasPrefix("juliet") == true }.isEmpty)
        #expect(try juliet.ask("set", "<unblock xmlns='urn:xmpp:blocking'/>")["type"] == "result")
        for client in [juliet, second] { try romeo.wait("her return") { $0["type"] == nil && $0["from"] == client.address } }
        try romeo.send("<message type='chat' id='n' to='\(juliet.address)'><body>x</body></message>")
        try juliet.wait("a message after the block") { $0["id"] == "n" }
    }

    @Test("a client that nobody looks at gets its presence later, and everything else at once (XEP-0352)")
    func clientState() throws {
        let (server, juliet, romeo) = try stage()
        try befriend(juliet, romeo)
        let nurse = try server.join("nurse", toWorker: 0)
        _ = try settle([juliet, romeo, nurse])
        #expect(juliet.features.has("csi", "urn:xmpp:csi:0"))
        try juliet.send("<inactive xmlns='urn:xmpp:csi:0'/>")
        _ = try juliet.ask("get", "<ping xmlns='urn:xmpp:ping'/>")
        // The nurse is on Juliet's worker: when she hears of the end, it has had the presence before it.
        try romeo.send(
            "<presence><status>1</status></presence><presence><status>2</status></presence><message to='\(nurse.address)' id='end'/>"
        )
        try nurse.wait("the end") { $0["id"] == "end" }
        #expect(!juliet.socket.isReadable)
        try juliet.send("<active xmlns='urn:xmpp:csi:0'/>")
        #expect(try juliet.wait("presence that was held back") { $0.isNamed("presence") }.child("status")?.text == "2")
        try juliet.send("<inactive xmlns='urn:xmpp:csi:0'/>")
        let forwarded = romeo.newID()
        try romeo.send("<iq type='get' id='\(forwarded)' to='\(juliet.address)'><ping xmlns='urn:xmpp:ping'/></iq>")
        try juliet.wait("a request") { $0["id"] == forwarded }
        #expect(try settle([juliet, romeo])[0].isEmpty)
    }

    @Test("stream management is not there: neither offered nor taken")
    func noStreamManagement() throws {
        let (server, juliet, _) = try stage()
        #expect(juliet.features.child(in: "urn:xmpp:sm:3") == nil)
        let early = try server.connect()
        try early.open()
        try early.send("<enable xmlns='urn:xmpp:sm:3'/>")
        #expect(try early.ending() == .init("unsupported-stanza-type"))
    }
}
