import Foundation
import TestKit
import Testing
import XML

/// How much another server may ask for before it has proved anything, in bytes, elements, time and connections.
@Suite("A hostile server takes up room", .timeLimit(.minutes(5)))
struct HostileLimitsTests {
    private static let home = HostilePeer.home

    @Test("too many bytes, elements and keys before authorization end the stream")
    func tooMuch() throws {
        let hostile = try HostilePeer()
        let large = try hostile.stranger()
        try large.send(HostilePeer.key(String(repeating: "k", count: 11_000)))
        #expect(try large.ending() == .init("policy-violation"))
        let wide = try hostile.connect()
        try wide.send("<stream:stream xmlns='jabber:server' to='\(String(repeating: "x", count: 11_000))'")
        #expect(try wide.ending() == .init("policy-violation"))
        let many = try hostile.stranger()
        try many.send(String(repeating: "<db:verify from='peer.example' to='localhost' id='i'>k</db:verify>", count: 10_000))
        #expect(try many.ending() == .init("policy-violation"))
        #expect(many.takeUnread().count <= 256)
        let chatty = try hostile.stranger()
        try chatty.send(String(repeating: "<r xmlns='urn:xmpp:sm:3'/>", count: 1_000))
        #expect(try chatty.ending() == .init("policy-violation"))
        let guesser = try hostile.stranger()
        try guesser.send((0..<10).map { HostilePeer.key("k", to: "\($0).unknown.example") }.joined())
        for _ in 0..<10 { try guesser.wait("an error") { $0["type"] == "error" } }
        // Of domains of ours one peer may have a few keys checked at a time, and fail a few times.
        let pairs = try hostile.stranger()
        try pairs.send((0..<40).map { HostilePeer.key("k", from: "d\($0).invalid") }.joined())
        try pairs.wait("that there are too many") {
            $0.child("error", "jabber:server")?.firstChild?.name == "resource-constraint"
        }
    }

    @Test("silence and slow bytes end the stream")
    func silence() throws {
        let hostile = try HostilePeer(listener: "state_timeout = 700")
        let silent = try hostile.connect()
        #expect(try silent.ending().condition == "connection-timeout")
        let opened = try hostile.stranger()
        #expect(try opened.ending() == .init("connection-timeout"))
        let slow = try hostile.connect()
        try eventually("the end of a stream that comes byte by byte") {
            usleep(20_000)
            return try !slow.send(" ") || slow.hasInput
        }
        #expect(try slow.ending().condition == "connection-timeout")
        let stalled = try hostile.connect()
        try stalled.openAsServer(HostilePeer.domain, to: Self.home)
        try stalled.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        try stalled.wait("the word to begin TLS") { $0.isNamed("proceed") }
        #expect(try stalled.ending().hasFooter == false)
    }

    @Test("strangers of one address are few, and those who have proved something do not count")
    func strangers() throws {
        let hostile = try HostilePeer()
        let known = try (0..<3).map { _ in try hostile.authorized() }
        let workers = 2, most = 50
        var open: [TestClient] = []
        var refused = 0
        for _ in 0..<(4 * workers * most) {
            let stream = try hostile.connect()
            try stream.sendServerHeader(HostilePeer.domain, to: Self.home)
            if case .header = try stream.nextEvent() { open.append(stream) } else { refused += 1 }
        }
        #expect(open.count == workers * most, "\(open.count) are open, \(refused) were refused")
        let other = try hostile.connect(from: "127.0.9.9")
        try other.openAsServer(HostilePeer.domain, to: Self.home)
        try known[0].send(HostilePeer.message("lives", to: "nobody@localhost"))
        for stream in open { stream.socket.reset() }
        open = []
        for _ in 0..<20 {
            try eventually("room for strangers again") {
                let stream = try hostile.connect()
                try stream.sendServerHeader(HostilePeer.domain, to: Self.home)
                if case .header = try stream.nextEvent() { return true }
                return false
            }
        }
        let listener = try hostile.server.status().listeners[1]
        #expect(listener.open < 40, "connections that are gone are counted: \(listener.open)")
    }

    @Test("thousands of half-open connections: users go on, memory stays")
    func halfOpen() throws {
        let hostile = try HostilePeer()
        let (juliet, romeo) = (
            try hostile.server.join("juliet", toWorker: 0), try hostile.server.join("romeo", toWorker: 1)
        )
        func chat(_ number: Int) throws {
            try juliet.send(HostilePeer.message("m\(number)", from: juliet.address, to: romeo.address))
            try romeo.wait("message \(number)") { $0["id"] == "m\(number)" }
        }
        try chat(0)
        let before = try hostile.residentKilobytes()
        var streams: [TestClient] = []
        for number in 1...2_000 {
            let stream = try hostile.connect(from: "127.0.\(1 + number / 100).\(1 + number % 100)")
            try stream.send(number % 2 == 0 ? "<stream:stream xmlns='jabber:server' " : "")
            streams.append(stream)
            if number % 100 == 0 { try chat(number) }
        }
        // Two workers keep less than 20 kB for each.
        #expect(try hostile.residentKilobytes() - before < 40_000)
        try chat(9_999)
    }
}

extension HostilePeer {
    /// What all workers keep in memory.
    func residentKilobytes() throws -> Int {
        try server.status().workers.reduce(0) { total, worker in
            let text = try String(contentsOfFile: "/proc/\(worker.pid ?? 0)/status", encoding: .utf8)
            guard let match = text.firstMatch(of: #/VmRSS:\s+([0-9]+) kB/#), let size = Int(match.1) else { return total }
            return total + size
        }
    }
}
