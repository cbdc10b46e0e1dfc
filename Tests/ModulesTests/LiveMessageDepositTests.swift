import Network
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules
@testable import Storage

/// A client that loses its connection before it was sent what waits for it.
@Suite("Messages for a session whose stored ones were not sent", .timeLimit(.minutes(5)))
struct LiveMessageDepositTests {
    init() { StageLoop.start() }

    private static let key = UserKey(user: "juliet", domain: "example.org")
    private static let modules: [any Module.Type] = [Presence.self, OfflineMessages.self, StreamManagement.self]

    @LoopActor private final class Play {
        let stage: Stage
        let alice: StageClient
        var juliet: StageClient
        private let name: String

        /// Message 1 is stored; juliet is available and has no connection when it would be sent.
        init(_ more: String = "") async throws {
            stage = try await Stage("[modules.mod_offline]\n[modules.mod_stream_management]\n\(more)", modules)
            try await stage.account("juliet")
            alice = try await stage.client("alice")
            Self.enable(alice)
            try alice.say("<message to='juliet@\(Stage.domain)' type='chat'><body>1</body></message>")
            try await alice.settle()
            juliet = try await stage.bound("juliet")
            name = try #require(Self.enable(juliet).heard.last?["id"])
            try juliet.say("<presence/>")
            juliet.session.streamDidDisconnect(juliet)
            await idle()
        }

        @discardableResult private static func enable(_ client: StageClient) -> StageClient {
            client.session.host.handleExtension(
                Element("enable", StreamManagementXML.namespace, ["resume": "true"]), from: client.session)
            return client
        }

        func idle() async {
            await StageTime.runUntilIdle()
            await StageTime.until { [stage] in stage.workers.allSatisfy { $0.isIdle && $0.migration.isIdle } }
        }

        func say(_ text: String, to resource: String = "") throws {
            try alice.say("<message to='juliet@\(Stage.domain)\(resource)' type='chat'><body>\(text)</body></message>")
        }

        func resume(on worker: Int) async {
            juliet = await stage.resumed("juliet", name, handled: 0, on: worker).0
        }

        /// The same, which goes on beside the test.
        func resuming(on worker: Int) -> StageTime.Work<(StageClient, Host.Resumption)> {
            stage.resuming("juliet", name, handled: 0, on: worker)
        }

        func stored() async throws -> Int { try await stage.store.offline.count(key) }
    }

    @LoopActor private static func bodies(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text }
    }

    @Test("what comes meanwhile comes behind what was stored", arguments: [0, 1])
    @LoopActor func order(on worker: Int) async throws {
        let play = try await Play()
        try play.say("2")
        try await play.alice.settle()
        try play.say("3", to: "/r")
        await play.idle()
        await play.resume(on: worker)
        try play.say("4")
        await StageTime.until { Self.bodies(play.juliet).contains("4") }
        #expect(Self.bodies(play.juliet) == ["1", "2", "3", "4"])
        let streamManagement = try #require(play.juliet.session.streamManagement)
        try streamManagement.acknowledge(streamManagement.waiting.sent, play.juliet.session)
        try await StageTime.until { try await play.stored() == 0 }
        #expect(play.juliet.session.filters.isEmpty)
    }

    @Test("it is so where the session has moved before, too")
    @LoopActor func afterAMove() async throws {
        let play = try await Play()
        play.stage.workers[0].migration.migrate(play.juliet.session, to: 1)
        await play.idle()
        try play.say("2")
        await play.idle()
        await play.resume(on: 1)
        await StageTime.until { Self.bodies(play.juliet).contains("2") }
        #expect(Self.bodies(play.juliet) == ["1", "2"])
    }

    @Test("the client comes back while one is being stored", arguments: [0, 1])
    @LoopActor func duringTheWrite(on worker: Int) async throws {
        let play = try await Play()
        play.stage.database.trouble.holdWrites()
        try play.say("2")
        await play.stage.database.trouble.waitForHeldWrite()
        try play.say("3")
        await StageTime.runUntilIdle()
        let resumption = play.resuming(on: worker)
        await StageTime.runUntilIdle()
        try play.say("4")
        await StageTime.runUntilIdle()
        play.stage.database.trouble.releaseWrites()
        play.juliet = try await resumption.end().0
        await StageTime.until { Self.bodies(play.juliet).contains("4") }
        #expect(Self.bodies(play.juliet) == ["1", "2", "3", "4"])
    }

    @Test("the client does not come back: its next session gets all once")
    @LoopActor func end() async throws {
        let play = try await Play()
        for text in ["2", "3"] { try play.say(text) }
        await play.idle()
        play.juliet.session.end()
        await play.idle()
        let next = try await play.stage.bound("juliet", "next", on: 1)
        try next.say("<presence/>")
        await StageTime.until { Self.bodies(next).count >= 3 }
        try await next.settle()
        #expect(Self.bodies(next) == ["1", "2", "3"])
    }

    @Test("as many wait as may: nothing is lost, order is given up")
    @LoopActor func full() async throws {
        let play = try await Play("[[access.max_user_offline_messages]]\nacl = 'all'\nvalue = 2")
        for text in ["2", "3", "4"] { try play.say(text) }
        await play.idle()
        await play.resume(on: 0)
        await StageTime.until { Self.bodies(play.juliet).count >= 4 }
        #expect(Self.bodies(play.juliet).sorted() == ["1", "2", "3", "4"])
    }

    @Test("more come than are stored in time: nothing is lost, whatever becomes of the session")
    @LoopActor func flood() async throws {
        let play = try await Play("[[access.max_user_offline_messages]]\nacl = 'all'\nvalue = 'infinity'")
        play.stage.database.trouble.holdWrites()
        for number in 2...600 { try play.say("\(number)") }
        await play.stage.database.trouble.waitForHeldWrite()
        play.stage.database.trouble.releaseWrites()
        await play.idle()
        play.juliet.session.end()
        await play.idle()
        let next = try await play.stage.bound("juliet", "next", on: 1)
        try next.say("<presence/>")
        await StageTime.until { Self.bodies(next).count >= 600 }
        #expect(Set(Self.bodies(next)) == Set((1...600).map { "\($0)" }))
    }
}
