import Foundation
import TestKit
import Testing
import XML

/// Servers that ours calls, which do not answer as they should: their users' peers get errors, and nobody else suffers.
@Suite("A hostile server is called", .timeLimit(.minutes(5)))
struct HostileAcceptorTests {
    private static func sent(_ id: String, to domain: String = HostilePeer.domain) -> String {
        "<message to='romeo@\(domain)' type='chat' id='\(id)'><body>\(id)</body></message>"
    }

    private func condition(_ client: TestClient, _ id: String, within seconds: Double = 40) throws -> String? {
        let answer = try client.wait("an error for \(id)", within: seconds) { $0["id"] == id }
        return answer["type"] == "error" ? answer.child("error")?.firstChild?.name : "delivered"
    }

    @Test("one that closes in any phase: what waits comes back in order, and what follows at once")
    func closes() throws {
        let peers = try (0...4).map { try ServerDouble("phase\($0).example") }
        let hostile = try HostilePeer("optional", others: peers)
        let juliet = try hostile.server.join("juliet", toWorker: 0)
        for (phase, peer) in peers.enumerated() {
            for number in 1...5 { try juliet.send(Self.sent("w\(number)", to: peer.domain)) }
            try juliet.send("<iq type='get' id='w6' to='\(peer.domain)'><ping xmlns='urn:xmpp:ping'/></iq>")
            try close(peer, after: phase)
            var order: [String] = []
            for _ in 1...6 {
                let error = try juliet.wait("an error") { $0["type"] == "error" }
                order.append(error["id"] ?? "")
                let expected = phase == 4 ? "internal-server-error" : "remote-server-timeout"
                #expect(error.child("error")?.firstChild?.name == expected, "phase \(phase)")
            }
            #expect(order == (1...6).map { "w\($0)" }, "phase \(phase)")
            try juliet.send(Self.sent("later", to: peer.domain))
            #expect(try condition(juliet, "later") != "delivered")
            #expect(!peer.hasCaller, "phase \(phase)")
        }
    }

    /// Breaks the connection off before its header, before ours, before features, before the key and after that.
    private func close(_ peer: ServerDouble, after phase: Int) throws {
        let stream = try peer.accept()
        if phase > 0 { guard case .header = try stream.nextEvent() else { throw TestFailure("no header") } }
        if phase > 1 {
            try stream.send(
                "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
                    + " xmlns:db='jabber:server:dialback' version='1.0' id='i'>")
        }
        if phase > 2 { try stream.send("<stream:features/>") }
        if phase > 3 {
            try stream.wait("the key") { $0.isNamed("result") }
            try stream.send("<db:result from='\(peer.domain)' to='localhost' type='invalid'/>")
        }
        stream.socket.reset()
    }

    @Test("one that says nothing: stanzas come back after the attempt, others' at once; links to others are as before")
    func silent() throws {
        let other = try ServerDouble("other.example")
        let hostile = try HostilePeer("optional", others: [other])
        let juliet = try hostile.server.join("juliet", toWorker: 0)
        let romeo = try hostile.server.join("romeo", toWorker: 1)
        try juliet.send(Self.sent("black"))
        try romeo.send(Self.sent("through", to: "other.example"))
        try other.establish().wait("the message") { $0["id"] == "through" }
        #expect(try condition(juliet, "black") == "remote-server-timeout")
        try romeo.send(Self.sent("at once"))
        #expect(try condition(romeo, "at once") == "remote-server-timeout")
    }

    @Test("one that stops reading: its senders get errors, memory stays, others go on")
    func stopsReading() throws {
        let hostile = try HostilePeer("optional")
        let juliet = try hostile.server.join("juliet", toWorker: 0)
        let romeo = try hostile.server.join("romeo", toWorker: 1)
        try juliet.send(Self.sent("first"))
        let stream = try hostile.peer.establish()
        try stream.wait("the first message") { $0["id"] == "first" }
        let before = try hostile.residentKilobytes()
        let filler = String(repeating: "x", count: 60_000)
        var isTold = false
        for number in 0..<1_000 where !isTold {
            try juliet.send(
                "<message to='a@peer.example' id='f\(number)' type='chat'><body>\(filler)</body></message>")
            isTold = juliet.hasInput
            guard number % 50 == 0 else { continue }
            try romeo.send(HostilePeer.message("r\(number)", from: romeo.address, to: "romeo@localhost"))
            try romeo.wait("romeo's own message") { $0["id"] == "r\(number)" }
        }
        let error = try juliet.wait("an error") { $0["type"] == "error" }
        #expect(error.child("error")?.firstChild?.name == "remote-server-timeout")
        #expect(try hostile.residentKilobytes() - before < 100_000)
        _ = stream
    }

    @Test("a worker that dies with stanzas under way: each comes back or arrives, and the links come up again")
    func ownerDies() throws {
        let peers = try ["a", "b", "c", "d"].map { try ServerDouble("\($0).example") }
        let hostile = try HostilePeer("optional", others: peers)
        let juliet = try hostile.server.join("juliet", toWorker: 1)
        for peer in peers { for number in 1...5 { try juliet.send(Self.sent("\(peer.domain)-\(number)", to: peer.domain)) } }
        let streams = try peers.map { try $0.open() }
        for stream in streams { try stream.wait("a key") { $0.isNamed("result") } }
        _ = try hostile.server.killWorker(0)
        var bounced: [String: [String]] = [:]
        for (peer, stream) in zip(peers, streams) {
            try stream.send("<db:result from='\(peer.domain)' to='localhost' type='valid'/>")
            var arrived: [String] = []
            if (try? stream.wait("the first", within: 5) { $0["id"] == "\(peer.domain)-1" }) != nil {
                arrived.append("\(peer.domain)-1")
                for number in 2...5 { try stream.wait("message \(number)") { $0["id"] == "\(peer.domain)-\(number)" } }
                continue
            }
            for _ in 1...5 {
                let error = try juliet.wait("an error") { $0["type"] == "error" && $0["id"]?.hasPrefix(peer.domain) == true }
                #expect(error.child("error")?.firstChild?.name == "remote-server-timeout")
                bounced[peer.domain, default: []].append(error["id"] ?? "")
            }
            #expect(bounced[peer.domain] == (1...5).map { "\(peer.domain)-\($0)" })
            try juliet.send(Self.sent("again", to: peer.domain))
            try peer.establish().wait("a message after that") { $0["id"] == "again" }
        }
        #expect(!bounced.isEmpty, "the worker that died owned none of the links")
    }

    @Test("a worker that is rolled under messages: they arrive in order or come back")
    func rolled() throws {
        let hostile = try HostilePeer("optional")
        let juliet = try hostile.server.join("juliet", toWorker: 1)
        let remote = RemoteUsers(hostile.peer)
        defer { remote.stop() }
        let server = hostile.server
        var sent = 0
        func send(_ count: Int) throws {
            for _ in 0..<count {
                sent += 1
                try juliet.send(Self.sent("\(sent)"))
            }
        }
        try send(20)
        try eventually("the first messages to arrive") { remote.ids.count == 20 }
        let done = Signal()
        Thread.detachNewThread {
            _ = try? server.xmppctl("restart", "--rolling")
            done.give()
        }
        try eventually("the restart to be done", within: 120) {
            if sent < 200 { try send(1) }
            usleep(20_000)
            return done.given
        }
        try send(max(0, 200 - sent))
        var bounced: Set<String> = []
        try eventually("all to arrive or to come back; arrived: \(remote.ids.count), back: \(bounced.count)", within: 40) {
            while juliet.hasInput, case .element(let element) = try juliet.nextEvent() {
                if element["type"] == "error", let id = element["id"] { bounced.insert(id) }
            }
            return Set(remote.ids).union(bounced).count == sent
        }
        let numbers = remote.ids.compactMap { Int($0) }
        #expect(numbers == numbers.sorted(), "the order is lost: \(numbers)")
        #expect(Set(numbers).count == numbers.count, "some came twice")
        print("\(bounced.count) of \(sent) came back")
    }

    @Test("a reload that denies a domain closes its links, both ways, and lets others live")
    func denied() throws {
        let other = try ServerDouble("other.example")
        let hostile = try HostilePeer("optional", others: [other])
        let juliet = try hostile.server.join("juliet", toWorker: 0)
        let incoming = try hostile.authorized()
        try juliet.send(Self.sent("1"))
        try juliet.send(Self.sent("1", to: "other.example"))
        let streams = [try hostile.peer.establish(), try other.establish()]
        for stream in streams { try stream.wait("a message") { $0["id"] == "1" } }
        try hostile.server.configure { $0.rest += "\n  host_policy = [{ host = \"peer.example\", policy = \"deny\" }]" }
        #expect(try hostile.server.xmppctl("reload").status == 0)
        #expect(try streams[0].ending().condition == "policy-violation")
        #expect(try incoming.ending().condition == "policy-violation")
        try juliet.send(Self.sent("2"))
        #expect(try condition(juliet, "2") == "not-allowed")
        try juliet.send(Self.sent("2", to: "other.example"))
        try streams[1].wait("a message") { $0["id"] == "2" }
        let late = try hostile.connect()
        try late.sendServerHeader(HostilePeer.domain, to: HostilePeer.home)
        #expect(try late.ending() == .init("policy-violation"))
    }

    @Test("a reload brings other certificates, and links live on")
    func certificates() throws {
        let hostile = try HostilePeer("optional")
        let stream = try hostile.authorized()
        let files = hostile.files
        func shown() throws -> String {
            let stream = try hostile.connect()
            try stream.openAsServer(HostilePeer.domain, to: HostilePeer.home)
            try stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            try stream.wait("the word to begin TLS") { $0.isNamed("proceed") }
            return try stream.socket.startTLS(domain: HostilePeer.home)
        }
        #expect(try shown() == "own")
        try Authority.selfSigned("renewed", in: files)
        try Authority.join([files.file("renewed-both.pem")], into: files.file("own-both.pem"))
        #expect(try hostile.server.xmppctl("reload").status == 0)
        #expect(try shown() == "renewed")
        let juliet = try hostile.server.join("juliet", toWorker: 0)
        try stream.send(HostilePeer.message("after", to: juliet.address))
        try juliet.wait("a message") { $0["id"] == "after" }
    }
}

/// Takes whatever is sent to a scripted server, on as many connections as come, and keeps the ids in the order of arrival.
final class RemoteUsers: @unchecked Sendable {
    private let lock = NSLock()
    private var arrived: [String] = []
    private let over = Signal()

    init(_ server: ServerDouble) {
        nonisolated(unsafe) let server = server
        Thread.detachNewThread { [self] in
            var streams: [TestClient] = []
            while !over.given {
                if server.hasCaller, let stream = try? server.establish() { streams.append(stream) }
                for stream in streams { take(stream) }
                usleep(2_000)
            }
        }
    }

    private func take(_ stream: TestClient) {
        for element in stream.takeUnread() { note(element) }
        while stream.hasInput, let event = try? stream.nextEvent() {
            switch event {
            case .element(let element): note(element)
            case .footer: _ = try? stream.send("</stream:stream>")
            case .header: break
            case .closed: return
            }
        }
    }

    private func note(_ element: Element) {
        if element.isNamed("message"), let id = element["id"] { lock.withLock { arrived.append(id) } }
    }

    var ids: [String] { lock.withLock { arrived } }
    func stop() { over.give() }
}
