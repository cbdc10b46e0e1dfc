import Foundation
import TestKit
import Testing
import XML

/// What another server may say to ours, and must not get by with.
@Suite("A hostile server calls", .timeLimit(.minutes(5)))
struct HostileServerTests {
    static let modes = ["false", "optional", "required", "required_trusted"]
    private static let home = HostilePeer.home

    @Test("a stanza before authorization, another's domain, our own and an unknown one end the stream", arguments: modes)
    func spoofing(_ starttls: String) throws {
        let hostile = try HostilePeer(starttls)
        let juliet = try hostile.server.join("juliet", toWorker: 0)
        func ending(_ stanza: String) throws -> String? {
            let stream = try hostile.authorized()
            try stream.send(HostilePeer.message("heard", to: juliet.address) + stanza)
            try juliet.wait("what comes from the right domain") { $0["id"] == "heard" }
            return try stream.ending().condition
        }
        let early = try hostile.connect()
        try early.openAsServer(HostilePeer.domain, to: Self.home)
        try early.send(HostilePeer.message("early", to: juliet.address))
        #expect(try early.ending() == .init("not-authorized"))
        #expect(try ending(HostilePeer.message("1", from: "a@other.example", to: juliet.address)) == "invalid-from")
        #expect(try ending(HostilePeer.message("2", from: "a@sub.peer.example", to: juliet.address)) == "invalid-from")
        #expect(try ending(HostilePeer.message("3", from: "a@example", to: juliet.address)) == "invalid-from")
        #expect(try ending(HostilePeer.message("4", from: "romeo@localhost", to: juliet.address)) == "invalid-from")
        #expect(try ending(HostilePeer.message("5", to: "a@unknown.example")) == "invalid-from")
        #expect(try ending("<message to='\(juliet.address)' id='6'/>") == "improper-addressing")
        #expect(try ending("<message from='a@peer.example' id='7'/>") == "improper-addressing")
        #expect(try ending("<message from='@peer.example' to='\(juliet.address)' id='8'/>") == "improper-addressing")
        for from in ["localhost", "LOCALHOST"] {
            let stream = try hostile.connect()
            try stream.sendServerHeader(from, to: Self.home)
            #expect(try stream.ending() == .init("invalid-from"))
        }
        let lost = try hostile.connect()
        try lost.sendServerHeader(HostilePeer.domain, to: "unknown.example")
        #expect(try lost.ending() == .init("host-unknown"))
        #expect(try settle([juliet])[0].isEmpty)
    }

    @Test("keys: unknown and own domains get errors, nothing is taken on a peer's word, and the stream goes on")
    func dialback() throws {
        let hostile = try HostilePeer()
        let stream = try hostile.stranger()
        func answer(_ request: String) throws -> Element {
            try stream.send(request)
            return try stream.wait("an answer to \(request.prefix(100))") { $0.isIn("jabber:server:dialback") }
        }
        let unknown = try answer(HostilePeer.key("k", to: "unknown.example"))
        #expect(unknown["type"] == "error" && unknown.child("error", "jabber:server")?.firstChild?.name == "item-not-found")
        let verify = "<db:verify from='peer.example' to='unknown.example' id='i'>k</db:verify>"
        #expect(try answer(verify).child("error", "jabber:server")?.firstChild?.name == "item-not-found")
        #expect(try answer(HostilePeer.key("k", from: Self.home)).child("error", "jabber:server")?.firstChild?.name == "conflict")
        #expect(try answer(HostilePeer.key(String(repeating: "k", count: 5_000)))["type"] == "error")
        let id = String(repeating: "i", count: 5_000)
        #expect(try answer("<db:verify from='peer.example' to='localhost' id='\(id)'>k</db:verify>")["type"] == "error")
        #expect(try answer("<db:verify from='peer.example' to='localhost' id='i'>guess</db:verify>")["type"] == "invalid")
        for kind in ["verify", "result"] {
            try stream.send("<db:\(kind) from='peer.example' to='localhost' id='i' type='valid'/>")
        }
        try stream.send(HostilePeer.key("key"))
        try hostile.peer.vouch()
        #expect(try stream.wait("the answer") { $0.isNamed("result") }["type"] == "valid")
        // The authority says no: of the first pair the stream ends, of another it goes on.
        try stream.send(HostilePeer.key("key", to: Self.home))
        #expect(try stream.wait("the same again") { $0.isNamed("result") }["type"] == "valid")
        let liar = try hostile.stranger()
        try liar.send(HostilePeer.key("forged"))
        try hostile.peer.vouch("invalid")
        #expect(try liar.wait("the answer") { $0.isNamed("result") }["type"] == "invalid")
        #expect(try liar.ending() == .init(nil))
        let believer = try hostile.stranger()
        for kind in ["verify", "result"] {
            try believer.send("<db:\(kind) from='peer.example' to='localhost' id='i' type='valid'/>")
        }
        try believer.send(HostilePeer.message("early", to: "juliet@localhost"))
        #expect(try believer.ending() == .init("not-authorized"))
    }

    @Test("what an authority says on its connection concerns what it was asked, and no more")
    func authority() throws {
        let hostile = try HostilePeer()
        let (one, other) = (try hostile.stranger(), try hostile.stranger("other.example"))
        try one.send(HostilePeer.key("key"))
        let authority = try hostile.peer.open()
        let request = try authority.wait("a key to check") { $0.isNamed("verify") }
        #expect(request.text == "key" && request["from"] == Self.home && request["to"] == HostilePeer.domain)
        let id = request["id"] ?? ""
        try authority.send(
            "<db:verify from='other.example' to='localhost' id='\(id)' type='valid'/>"
                + "<db:verify from='peer.example' to='localhost' id='another' type='valid'/>"
                + "<db:result from='peer.example' to='localhost' type='valid'/>"
                + "<db:verify from='peer.example' to='localhost' id='\(id)' type='invalid'/>")
        #expect(try one.wait("the answer") { $0.isNamed("result") }["type"] == "invalid")
        try other.send(HostilePeer.message("early", from: "a@other.example", to: "juliet@localhost"))
        #expect(try other.ending() == .init("not-authorized"))
        // The next key is asked about on another connection: the first may have been closed meanwhile, for nothing was asked on it.
        try authority.disconnect()
        let next = try hostile.stranger()
        try next.send(HostilePeer.key("key"))
        try hostile.peer.vouch("invalid")
        #expect(try next.wait("the answer") { $0.isNamed("result") }["type"] == "invalid")
    }

    @Test("an authority that hangs up or talks rubbish fails its question at once", arguments: [0, 1, 2, 3])
    func brokenAuthority(_ phase: Int) throws {
        let hostile = try HostilePeer()
        let stream = try hostile.stranger()
        try stream.send(HostilePeer.key("key"))
        let authority = try hostile.peer.accept()
        guard case .header = try authority.nextEvent() else { throw TestFailure("no header") }
        let steps = [
            "", "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='i'>",
        ]
        try authority.send(phase == 0 ? "" : steps[1])
        if phase > 1 {
            try authority.send("<stream:features/>")
            try authority.wait("the key") { $0.isNamed("verify") }
        }
        try authority.send(phase == 3 ? "<<<" : "")
        authority.socket.shutdownSending()
        let answer = try stream.wait("an answer") { $0.isNamed("result") }
        #expect(answer["type"] == "error")
        try stream.send(HostilePeer.message("early", to: "juliet@localhost"))
        #expect(try stream.ending() == .init("not-authorized"))
    }

    @Test("before TLS nothing but TLS goes on where it is required", arguments: ["required", "required_trusted"])
    func clear(_ starttls: String) throws {
        let hostile = try HostilePeer(starttls)
        for text in [HostilePeer.key("k"), "<db:verify from='peer.example' to='localhost' id='i'>k</db:verify>"] {
            let stream = try hostile.connect()
            #expect(try stream.openAsServer(HostilePeer.domain, to: Self.home).children.map(\.name) == ["starttls"])
            try stream.send(text)
            #expect(try stream.ending() == .init("policy-violation"))
        }
        let old = try hostile.connect()
        try old.sendServerHeader(nil, to: nil, version: nil)
        #expect(try old.ending() == .init("unsupported-version"))
        if starttls == "required_trusted" {
            // Without a certificate that proves it nobody comes in.
            let stream = try hostile.connect()
            try stream.openAsServer(HostilePeer.domain, to: Self.home)
            try stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            try stream.wait("the word to begin TLS") { $0.isNamed("proceed") }
            _ = try stream.socket.startTLS(domain: Self.home)
            stream.restart()
            try stream.sendServerHeader(HostilePeer.domain, to: Self.home)
            #expect(try stream.ending() == .init("policy-violation"))
        }
    }

    @Test("EXTERNAL is for the domain that the certificate proves, and for no other")
    func external() throws {
        let hostile = try HostilePeer("required")
        func auth(_ text: String) -> String {
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>\(text)</auth>"
        }
        func offers(_ features: Element) -> Bool { features.child("mechanisms", "urn:ietf:params:xml:ns:xmpp-sasl") != nil }
        for (from, isProved) in [("peer.example", true), ("sub.peer.example", false), ("other.example", false), (nil, false)] {
            let stream = try hostile.connect()
            try stream.openAsServer(from, to: Self.home)
            #expect(offers(try stream.startTLSAsServer(from, to: Self.home, certificate: hostile.certificate)) == isProved)
            guard !isProved else { continue }
            try stream.send(auth("="))
            #expect(try stream.wait("a refusal") { $0.isIn("urn:ietf:params:xml:ns:xmpp-sasl") }.isNamed("failure"))
        }
        let stream = try hostile.stranger(certificate: hostile.certificate)
        try stream.send(auth(Base64.encode(Array("other.example".utf8))))
        #expect(try stream.wait("a refusal") { $0.isNamed("failure") }.firstChild?.name == "invalid-authzid")
        try stream.send(auth("="))
        try stream.wait("success") { $0.isNamed("success") }
        stream.restart()
        try stream.sendServerHeader("other.example", to: Self.home)
        #expect(try stream.ending() == .init("invalid-from"))
    }
}
