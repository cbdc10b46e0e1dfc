import Kernel
import Network
import Testing
import XML
import XMPP

@testable import Modules

/// Sessions whose clients end their streams while an earlier stanza is still being handled.
@Suite(.timeLimit(.minutes(5))) struct EndAfterInboxTests {
    init() { StageLoop.start() }

    private static let message = "<message to='bob@example.org/r' type='chat' id='last'><body>Good night</body></message>"

    /// Says something that waits for storage, and a message behind it.
    @LoopActor private func say(_ alice: StageClient) throws {
        try alice.say("<presence/>")
        try alice.say(Self.message)
    }

    @Test("stanzas that came before the end are handled, and answered, before it (RFC 6120 §10.1)", arguments: [0, 1])
    @LoopActor func end(worker: Int) async throws {
        let stage = try await Stage("[modules.mod_ping]", [Presence.self, Ping.self])
        let (alice, bob) = (try await stage.client("alice"), try await stage.client("bob", on: worker))
        try say(alice)
        try alice.say("<iq type='get' id='ping' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>")
        #expect(!alice.session.hasEnded && bob.heard.isEmpty)
        await withCheckedContinuation { continuation in alice.session.endAfterInbox { continuation.resume() } }
        #expect(alice.session.hasEnded)
        #expect(alice.heard.contains { $0["id"] == "ping" && $0["type"] == "result" })
        #expect(await bob.hears { $0["id"] == "last" } != nil)
    }

    @Test("a session with nothing to handle ends at once")
    @LoopActor func atOnce() async throws {
        let stage = try await Stage()
        let alice = try await stage.client("alice")
        var isOver = false
        alice.session.endAfterInbox { isOver = true }
        #expect(isOver && alice.session.hasEnded)
    }

    @Test("a connection that is gone without the end of its stream takes nothing along")
    @LoopActor func connectionLoss() async throws {
        let stage = try await Stage("", [Presence.self])
        let (alice, bob) = (try await stage.client("alice"), try await stage.client("bob"))
        try say(alice)
        alice.session.streamDidDisconnect(alice)
        #expect(!alice.session.isAttached)
        #expect(await bob.hears { $0["id"] == "last" } != nil)
        #expect(alice.session.hasEnded)
    }

    @Test("one that the server closes meanwhile ends at once, and is told")
    @LoopActor func closed() async throws {
        let stage = try await Stage("", [Presence.self])
        let (alice, bob) = (try await stage.client("alice"), try await stage.client("bob"))
        try say(alice)
        var isOver = false
        alice.session.endAfterInbox { isOver = true }
        #expect(!isOver && !alice.session.hasEnded)
        alice.session.close(StreamError(.conflict))
        #expect(isOver && alice.session.hasEnded)
        try await bob.settle()
        #expect(!bob.heard.contains { $0["id"] == "last" })
    }

    @Test("one that could be resumed cannot be any more")
    @LoopActor func resumption() async throws {
        let stage = try await Stage("[modules.mod_stream_management]", [Presence.self, StreamManagement.self])
        let alice = try await stage.client("alice")
        alice.session.host.handleExtension(
            Element("enable", StreamManagementXML.namespace, ["resume": "true"]), from: alice.session)
        let name = try #require(alice.heard.first?["id"])
        try say(alice)
        alice.session.endAfterInbox {}
        let (_, answer) = await stage.resumed("alice", name, handled: 0, on: 0)
        guard case .refused(.itemNotFound, _) = answer else {
            Issue.record("\(answer)")
            return
        }
    }
}
