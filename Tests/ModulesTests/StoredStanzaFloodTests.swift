import Network
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules
@testable import Storage

/// What others send to a user, or leave for one, neither closes the stream of a client that reads nor fills the worker's memory.
@Suite("Floods of stanzas for one user", .timeLimit(.minutes(5)))
struct StoredStanzaFloodTests {
    init() { StageLoop.start() }

    @LoopActor private static let key = UserKey(user: "juliet", domain: Stage.domain)

    @LoopActor private func stage() async throws -> Stage {
        try await Stage(
            "[modules.mod_offline]\n[modules.mod_stream_management]", [Presence.self, OfflineMessages.self, StreamManagement.self])
    }

    @LoopActor private static func message(_ body: String) -> [UInt8] {
        Array("<message xmlns='jabber:client' to='juliet@\(Stage.domain)'><body>\(body)</body></message>".utf8)
    }

    @LoopActor private func bodies(_ client: StageClient) -> [Int] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text.prefix(3) }.compactMap { Int($0) }
    }

    /// Keeps messages of a size whose bodies begin with their numbers, from 100.
    @LoopActor private func keep(_ count: Int, of size: Int, on stage: Stage) async throws {
        let filler = String(repeating: "x", count: size)
        for number in 0..<count {
            let message = OfflineRepository.NewMessage(Self.message("\(100 + number)\(filler)"), receivedAt: 0)
            _ = try await stage.store.offline.store(Self.key, message, now: 0, limit: nil)
        }
    }

    @Test("a stanza larger than the bound reaches a client that reads, and one that does not is closed at the next")
    @LoopActor func largeStanzas() async throws {
        let stage = try await stage()
        let large = Self.message(String(repeating: "x", count: UnreadBound.longestQueue + 1))
        let juliet = try await stage.client("juliet")
        for _ in 1...3 { juliet.session.deliver(.message, large) }
        #expect(juliet.error == nil && juliet.heard.count == 3)
        juliet.isReading = false
        juliet.session.deliver(.message, large)
        #expect(juliet.error == nil)
        juliet.session.deliver(.message, Self.message("x"))
        #expect(juliet.error?.condition == .resourceConstraint && juliet.heard.filter { $0.isNamed("message") }.count == 4)
    }

    @Test("one stanza may be unacknowledged whatever its size (XEP-0198)")
    @LoopActor func largeUnacknowledgedStanza() async throws {
        let stage = try await stage()
        let juliet = try await stage.client("juliet")
        juliet.session.host.handleExtension(
            Element("enable", StreamManagementXML.namespace, ["resume": "true"]), from: juliet.session)
        let large = Self.message(String(repeating: "x", count: 2 * UnreadBound.longestQueue + 1))
        juliet.session.deliver(.message, large)
        try await juliet.settle()
        #expect(juliet.error == nil && !juliet.session.hasEnded)
    }

    @Test("stored messages come in portions as the client reads, in order, and are deleted when it has them")
    @LoopActor func portions() async throws {
        let stage = try await stage()
        try await stage.account("juliet")
        try await keep(36, of: 250_000, on: stage)
        let juliet = try await stage.bound("juliet")
        juliet.isReading = false
        try juliet.say("<presence/>")
        try await juliet.settle()
        #expect(juliet.queuedBytes < 2 * Session.storedPortion, "and its inbox goes on")
        #expect(try await stage.store.offline.count(Self.key) == 36)
        juliet.isReading = true
        _ = try #require(await juliet.hears { $0.child("body")?.text.hasPrefix("135") == true })
        #expect(bodies(juliet) == Array(100..<136))
        try await StageTime.until { try await stage.store.offline.count(Self.key) == 0 }
        #expect(juliet.error == nil)
    }

    @Test("a client that acknowledges gets more as it does, and is heard meanwhile (XEP-0198)")
    @LoopActor func acknowledgedPortions() async throws {
        let stage = try await stage()
        try await stage.account("juliet")
        try await keep(6, of: 250_000, on: stage)
        let juliet = try await stage.bound("juliet")
        juliet.session.host.handleExtension(
            Element("enable", StreamManagementXML.namespace, ["resume": "true"]), from: juliet.session)
        try juliet.say("<presence/>")
        // More than wait before reading stops.
        for _ in 0...StanzaInbox.maxWaiting { try await juliet.settle() }
        let first = bodies(juliet)
        #expect(first.count < 4)
        let state = try #require(juliet.session.streamManagement)
        try await StageTime.until {
            try state.acknowledge(state.waiting.sent, juliet.session)
            return bodies(juliet).count >= 6 || juliet.session.hasEnded
        }
        #expect(bodies(juliet) == Array(100..<106))
        try state.acknowledge(state.waiting.sent, juliet.session)
        try await StageTime.until { try await stage.store.offline.count(Self.key) == 0 }
    }

    // MARK: Requests

    @Test("what a client has not acknowledged when its session ends is kept in order, however much it is")
    @LoopActor func leftOver() async throws {
        let stage = try await stage()
        let juliet = try await stage.client("juliet")
        juliet.session.host.handleExtension(Element("enable", StreamManagementXML.namespace, [:]), from: juliet.session)
        let filler = String(repeating: "x", count: 30_000)
        for number in 0..<50 { juliet.session.deliver(.message, Self.message("\(100 + number)\(filler)")) }
        juliet.session.end()
        try await StageTime.until { try await stage.store.offline.count(Self.key) >= 50 }
        let again = try await stage.bound("juliet")
        try again.say("<presence/>")
        _ = try #require(await again.hears { $0.child("body")?.text.hasPrefix("149") == true })
        #expect(bodies(again) == Array(100..<150))
        let messages = again.heard.filter { $0.isNamed("message") }
        #expect(messages.allSatisfy { $0.children.count { $0.is("delay", Namespace.delay) } == 1 })
        // The database may go when nobody looks for more any longer.
        await StageTime.until { !again.session.isPinned }
    }

    @Test("of a large subscription request its status and nick are kept in part, of a small one everything")
    @LoopActor func keptRequests() {
        func kept(_ children: Element...) -> (whole: Bool, size: Int, text: String) {
            let element = Element("presence", Namespace.client, ["type": "subscribe", "id": "1"], children)
            let stanza = Stanza(
                .presence, from: JID("romeo@\(Stage.domain)"), to: JID("juliet@\(Stage.domain)"), element: element)
            let (rendered, kept) = (stanza.rendered(), WaitingRequests.kept(stanza, stanza.rendered()))
            return (kept == rendered, kept.count, String(decoding: kept, as: UTF8.self))
        }
        #expect(kept(Element("status", Namespace.client, text: "hello"), Element("test", "urn:x", text: "x")).whole)
        let large = kept(
            Element("status", Namespace.client, text: "&" + String(repeating: "\u{1F600}", count: 100_000)),
            Element("nick", "http://jabber.org/protocol/nick", text: "Romeo"), Element("x", "urn:x", text: "gone"))
        #expect(!large.whole && large.size < 1024)
        #expect(large.text.contains("Romeo") && large.text.contains("id='1'") && !large.text.contains("gone"))
        #expect(WaitingRequests.prefix(of: "a\u{1F600}b", bytes: 4) == "a" && WaitingRequests.prefix(of: "ab", bytes: 2) == "ab")
    }

    @Test("requests of strangers with a large status are shown at login, and hold next to nothing")
    @LoopActor func requestsOfStrangers() async throws {
        let stage = try await stage()
        try await stage.account("juliet")
        let status = String(repeating: "x", count: 3 << 20)
        for stranger in ["a", "b", "c"] {
            let client = try await stage.client(stranger, on: 1)
            try client.say("<presence type='subscribe' to='juliet@\(Stage.domain)'><status>\(status)</status></presence>")
            try await client.settle()
        }
        let waiting = try await stage.store.rosters.requests(Self.key, limit: 9, bytes: 1 << 20)
        #expect(waiting.count == 3 && waiting.allSatisfy { $0.stanza.count < 1024 })
        let juliet = try await stage.bound("juliet")
        try juliet.say("<presence/>")
        try await juliet.settle()
        #expect(
            juliet.heard.filter { $0.attribute("type", equals: "subscribe") }.map { $0["from"] }
                == ["a", "b", "c"].map { "\($0)@\(Stage.domain)" })
    }
}
