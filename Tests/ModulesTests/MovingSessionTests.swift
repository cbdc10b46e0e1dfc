import Network
import SharedState
import Storage
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// Sessions that go to another worker while something comes for them (XEP-0198 §5; `IPC/MigrationMessage.swift`).
@Suite(.timeLimit(.minutes(5))) struct MovingSessionTests {
    init() { StageLoop.start() }

    private static let sm = StreamManagementXML.namespace

    private func stage() async throws -> Stage {
        try await Stage(
            "[modules.mod_stream_management]\n[modules.mod_offline]", [Presence.self, OfflineMessages.self, StreamManagement.self])
    }

    @LoopActor private func enable(_ client: StageClient) throws -> String? {
        client.session.host.handleExtension(Element("enable", Self.sm, ["resume": "true"]), from: client.session)
        return client.heard.last { $0.is("enabled", Self.sm) }?["id"]
    }

    @LoopActor private func bodies(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text }
    }

    @LoopActor private func say(_ from: StageClient, _ to: StageClient, _ numbers: ClosedRange<Int>) throws {
        for number in numbers { try from.say("<message to='\(to.jid)' type='chat'><body>\(number)</body></message>") }
    }

    /// The former worker sees a session at the new one before it has sent after it what came in between.
    @Test @LoopActor func theFormerWorkerDoesNotOvertakeItself() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet"))
        let name = try #require(try enable(romeo))
        #expect(stage.workers[0].moveResumableSessions(to: 1) == 0)
        try say(juliet, romeo, 1...3)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            @LoopActor func look() {
                guard stage.workers[0].session(romeo.jid)?.slot == 1 else { return Loop.submit { look() } }
                #expect(!romeo.isReleased, "it has not heard yet that the session was taken")
                do { try say(juliet, romeo, 4...6) } catch { Issue.record(error) }
                continuation.resume()
            }
            look()
        }
        try await juliet.settle()
        try say(juliet, romeo, 7...9)
        await StageTime.until { stage.workers[0].sessionsOnTheMove == 0 }
        let (again, _) = await stage.resumed("romeo", name, handled: 0, on: 1)
        #expect(bodies(again) == (1...9).map { "\($0)" })
    }

    /// What is fetched for a session that has just arrived, and may still be overtaken, is fetched once.
    @Test @LoopActor func whatWaitsIsHandedOutOnceBehindTheFence() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        _ = try enable(romeo)
        let barrier = ReorderBarrier(origin: 1, connection: 7, awaited: [1])
        romeo.session.barrier = barrier
        try await store("1", for: "romeo", stage)
        try romeo.say("<presence/>")
        try await store("2", for: "romeo", stage)
        for _ in 0..<3 {
            OfflineMessages.wake(romeo.jid.bare, on: stage.host())
            await StageTime.runUntilIdle()
        }
        #expect(bodies(romeo) == [])
        barrier.open(romeo.session)
        #expect(await romeo.hears { $0.child("body")?.text == "2" } != nil)
        try await romeo.settle()
        await StageTime.until { !romeo.session.isPinned }
        #expect(bodies(romeo) == ["1", "2"])
        #expect(romeo.session.lastStored > 0)
    }

    /// Senders can write more than the former worker sends: memory is not the buffer.
    @Test @LoopActor func noMoreIsHeldThanMayWaitForAClient() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        romeo.isDeaf = true
        romeo.session.barrier = ReorderBarrier(origin: 1, connection: 7, awaited: [1])
        let stanza = RenderedStanza(.message, Array(repeating: UInt8(ascii: "x"), count: 1 << 20))
        for _ in 0..<9 { romeo.session.deliver(stanza) }
        await Loop.nextTurn()
        await Loop.nextTurn()
        #expect(romeo.session.barrier != nil && romeo.session.writtenBytes == 0)
        romeo.session.deliver(stanza)
        await StageTime.until { romeo.session.barrier == nil }
        #expect(romeo.session.writtenBytes == 10 << 20)
    }

    /// Who waits at the barrier of a session is told when that is no more.
    @Test @LoopActor func whoseSessionEndsAtTheFenceIsNotWaitedFor() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        _ = try enable(romeo)
        romeo.session.barrier = ReorderBarrier(origin: 1, connection: 7, awaited: [1])
        try await store("1", for: "romeo", stage)
        try romeo.say("<presence/>")
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Loop.spawn { [session = romeo.session!] in
                await session.waitForBarrier()
                continuation.resume()
            }
            Loop.submit { [session = romeo.session!] in session.discardAfterMigration() }
        }
        #expect(bodies(romeo) == [])
    }

    @LoopActor private func store(_ text: String, for user: String, _ stage: Stage) async throws {
        let message = "<message from='juliet@\(Stage.domain)' to='\(user)@\(Stage.domain)'><body>\(text)</body></message>"
        _ = try await stage.store.offline.store(
            UserKey(user: user, domain: Stage.domain), .init(Array(message.utf8), receivedAt: 0), now: 0, limit: nil)
    }

    /// What is being handed out when a session is to move is with it.
    @Test @LoopActor func whoIsHandedSomethingDoesNotMove() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        let name = try #require(try enable(romeo))
        try await store("1", for: "romeo", stage)
        try romeo.say("<presence/>")
        try await romeo.settle()
        try await store("2", for: "romeo", stage)
        // Another session has its turn; when that is over the stored message is sent.
        let rival = try await stage.bound("romeo", "rival", on: 1)
        rival.session.set(.takesOffline, true)
        let count = try #require(romeo.session.streamManagement).waiting.sent
        romeo.session.streamDidDisconnect(romeo)
        let (lost, _) = await stage.resumed("romeo", name, handled: count, on: 0)
        // Whose connection is lost does not wait for the turn, and may go on anywhere.
        #expect(stage.workers[0].moveResumableSessions(to: 1) == 1)
        lost.session.streamDidDisconnect(lost)
        _ = await stage.resumed("romeo", name, handled: count, on: 1)
        let (again, _) = await stage.resumed("romeo", name, handled: count, on: 0)
        #expect(stage.workers[0].moveResumableSessions(to: 1) == 1)
        rival.session.set(.takesOffline, false)
        await StageTime.until { stage.workers[0].moveResumableSessions(to: 1) == 0 }
        #expect(bodies(romeo) == ["1"] && bodies(lost) == [] && bodies(again) == ["2"])
        #expect(stage.workers[1].session(romeo.jid)?.flags.contains(.takesOffline) == false)
    }
}
