import Network
import Storage
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// A message that offline storage would keep: its sender is told that it was handled when somebody has it, or it is stored.
@Suite(.timeLimit(.minutes(5))) struct AckHoldTests {
    init() { StageLoop.start() }

    private static let sm = StreamManagementXML.namespace

    private func stage(_ options: String = "", archive: Bool = false) async throws -> Stage {
        try await Stage(
            "[modules.mod_stream_management]\n\(options)\n[modules.mod_offline]\n[modules.mod_carboncopy]\n[modules.mod_csi]"
                + (archive ? "\n[modules.mod_mam.pm]" : ""),
            [Presence.self, OfflineMessages.self, Carbons.self, ClientState.self, StreamManagement.self, Archive.self])
    }

    @LoopActor private func tell(_ client: StageClient, _ name: String, _ attributes: KeyValuePairs<String, String?> = [:]) {
        client.session.host.handleExtension(Element(name, Self.sm, attributes), from: client.session)
    }

    @LoopActor @discardableResult private func enable(_ client: StageClient) throws -> String {
        tell(client, "enable", ["resume": "true"])
        return try #require(client.heard.last { $0.is("enabled", Self.sm) }?["id"])
    }

    @LoopActor private func bodies(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text }
    }

    @LoopActor private func say(_ from: StageClient, _ to: JID, _ numbers: ClosedRange<Int>) throws {
        for number in numbers { try from.say("<message to='\(to)' type='chat' id='\(number)'><body>\(number)</body></message>") }
    }

    /// Waits until so many of what this client said have been acknowledged.
    @LoopActor private func isTold(_ client: StageClient, _ count: Int) async throws {
        tell(client, "r")
        _ = try #require(await client.hears { $0.is("a", Self.sm) && $0["h"] == "\(count)" }, "not told of \(count)")
    }

    @LoopActor private func handled(_ client: StageClient) -> Int {
        Int(client.session.streamManagement!.handled(client.session))
    }

    @LoopActor private func stored(_ user: String, _ stage: Stage) async throws -> Int {
        try await stage.store.offline.count(UserKey(user: user, domain: Stage.domain))
    }

    @LoopActor private func counted(_ client: StageClient) -> Int {
        Int(client.session.streamManagement!.waiting.sent)
    }

    @LoopActor private func acknowledgeAll(_ client: StageClient) { tell(client, "a", ["h": "\(counted(client))"]) }

    /// Nothing is left of what was waited for, with whomever.
    @LoopActor private func isOver(_ stage: Stage) async {
        await StageTime.until { stage.workers.allSatisfy(\.isIdle) }
    }

    /// Romeo on worker 0, whose stanzas are counted; Juliet is there.
    @LoopActor private func couple(
        _ stage: Stage, on worker: Int, counts: Bool = true
    ) async throws -> (romeo: StageClient, juliet: StageClient, name: String) {
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: worker))
        try juliet.say("<presence/>")
        try await juliet.settle()
        try enable(romeo)
        return (romeo, juliet, counts ? try enable(juliet) : "")
    }

    @Test(arguments: [0, 1]) @LoopActor func theSenderIsToldWhenTheClientHasIt(on worker: Int) async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: worker)
        try say(romeo, juliet.jid.bare, 1...3)
        _ = await juliet.hears { $0["id"] == "3" }
        try await juliet.settle()
        #expect(handled(romeo) == 0)
        tell(juliet, "a", ["h": "2"])
        await StageTime.until { handled(romeo) >= 2 }
        #expect(handled(romeo) == 2)
        acknowledgeAll(juliet)
        try await isTold(romeo, 3)
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 0)
        #expect(juliet.session.streamManagement!.unacked.isEmpty)
    }

    @Test(arguments: [0, 1]) @LoopActor func aClientThatDoesNotCountHasWhatTheNetworkTook(on worker: Int) async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: worker, counts: false)
        try say(romeo, juliet.jid, 1...3)
        try await isTold(romeo, 3)
        #expect(bodies(juliet) == ["1", "2", "3"])
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 0)
    }

    @Test(arguments: [0, 1]) @LoopActor func whoTakesLongHasItStoredMeanwhile(on worker: Int) async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: worker)
        try say(romeo, juliet.jid, 1...3)
        try await isTold(romeo, 3)
        #expect(try await stored("juliet", stage) == 3)
        // Another that does not come is stored, too; the first two have come.
        tell(juliet, "a", ["h": "\(counted(juliet) - 1)"])
        try say(romeo, juliet.jid, 4...4)
        try await isTold(romeo, 4)
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 2)
        try juliet.say("<presence><priority>-1</priority></presence>")
        try juliet.say("<presence/>")
        try await juliet.settle()
        #expect(bodies(juliet) == ["1", "2", "3", "4"], "its own rows are not handed out to it")
        acknowledgeAll(juliet)
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 0)
    }

    /// As if the worker had died: what was acknowledged to the sender is handed out.
    @Test @LoopActor func whatWasStoredOutlivesTheWorker() async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1)
        try say(romeo, juliet.jid, 1...3)
        try await isTold(romeo, 3)
        juliet.session.discardAfterMigration()
        stage.workers[1].directory.remove(juliet.jid, owner: juliet.session.owner)
        let again = try await stage.bound("juliet", "late")
        try again.say("<presence/>")
        _ = await again.hears { $0["id"] == "3" }
        #expect(bodies(again) == ["1", "2", "3"])
        for message in again.heard where message.isNamed("message") { #expect(message.has("delay", Namespace.delay)) }
    }

    @Test(arguments: [0, 1]) @LoopActor func whoIsAwayHasItStoredAtOnce(on worker: Int) async throws {
        let stage = try await stage("resume_timeout = 2")
        let (romeo, juliet, name) = try await couple(stage, on: worker)
        try say(romeo, juliet.jid, 1...2)
        _ = await juliet.hears { $0["id"] == "2" }
        juliet.session.streamDidDisconnect(juliet)
        try say(romeo, juliet.jid, 3...4)
        try await isTold(romeo, 4)
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 4)
        let (again, _) = await stage.resumed("juliet", name, handled: UInt32(counted(juliet) - 4), on: 1 - worker)
        #expect(bodies(again) == ["1", "2", "3", "4"])
        try await again.settle()
        acknowledgeAll(again)
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 0)
        #expect(bodies(again) == ["1", "2", "3", "4"])
    }

    /// The session ends while some is stored, some is being stored and some waits.
    @Test(arguments: [0, 1], [false, true]) @LoopActor func whatASessionLeavesIsStoredOnce(on worker: Int, fails: Bool) async throws
    {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: worker)
        try say(romeo, juliet.jid, 1...2)
        try await isTold(romeo, 2)
        try say(romeo, juliet.jid, 3...4)
        stage.database.trouble.holdWrites()
        await stage.database.trouble.waitForHeldWrite()
        try say(romeo, juliet.jid, 5...6)
        _ = await juliet.hears { $0["id"] == "6" }
        juliet.session.close(StreamError(.reset))
        #expect(handled(romeo) == 2)
        stage.database.trouble.releaseWrites()
        try await isTold(romeo, 6)
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 6)
        let again = try await stage.bound("juliet", "late", on: 1 - worker)
        try again.say("<presence/>")
        try await again.settle()
        #expect(Set(bodies(again)) == Set((1...6).map(String.init)) && bodies(again).count == 6)
        #expect(try await stored("juliet", stage) == 0)
    }

    /// Another resource gets what was stored for the one that ended; one that had its copy does not.
    @Test(arguments: [false, true]) @LoopActor func anotherResourceTakesOver(withCarbons: Bool) async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1)
        let other = try await stage.bound("juliet", "other")
        try other.say("<presence><priority>0</priority></presence>")
        if withCarbons { _ = try await other.ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>") }
        try await other.settle()
        try say(romeo, juliet.jid, 1...2)
        try await isTold(romeo, 2)
        #expect(try await stored("juliet", stage) == 2)
        juliet.session.close(StreamError(.reset))
        if !withCarbons { _ = try #require(await other.hears { $0["id"] == "2" }) }
        await isOver(stage)
        try await StageTime.until { try await stored("juliet", stage) == 0 }
        try await other.settle()
        #expect(bodies(other) == (withCarbons ? [] : ["1", "2"]))
    }

    /// The storage fails at every call in turn: nobody is told before it is stored, and all are in the end.
    @Test @LoopActor func storageFails() async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1)
        stage.database.trouble.fail(atCall: 1)
        try say(romeo, juliet.jid, 1...3)
        try await isTold(romeo, 3)
        #expect(stage.database.trouble.hasFailed)
        #expect(try await stored("juliet", stage) == 3)
    }

    /// The peer has taken the frames, and dies without a word.
    @Test @LoopActor func aDeadPeer() async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1)
        try say(romeo, juliet.jid, 1...3)
        _ = await juliet.hears { $0["id"] == "3" }
        #expect(handled(romeo) == 0 && !stage.workers[0].isIdle)
        stage.workers[0].peerGone(slot: 1)
        try await isTold(romeo, 3)
        #expect(try await stored("juliet", stage) == 3)
        // What it says later is nothing to anybody.
        acknowledgeAll(juliet)
        try await romeo.settle()
        #expect(handled(romeo) == 4 && stage.workers[0].isIdle)
    }

    /// The session moves with what is not stored yet; then the new worker answers for it, or dies.
    @Test(arguments: [false, true]) @LoopActor func aSessionMoves(dies: Bool) async throws {
        let stage = try await stage()
        let (romeo, juliet, name) = try await couple(stage, on: 0)
        try say(romeo, juliet.jid, 1...3)
        _ = await juliet.hears { $0["id"] == "3" }
        let had = counted(juliet)
        #expect(stage.workers[0].migration.migrate(juliet.session, to: 1))
        try say(romeo, juliet.jid, 4...6)
        await StageTime.until { stage.workers[0].sessionsOnTheMove == 0 }
        if dies {
            stage.workers[0].peerGone(slot: 1)
            try await isTold(romeo, 6)
            #expect(try await stored("juliet", stage) >= 3)
            await StageTime.runUntilIdle()
            return
        }
        let (again, _) = await stage.resumed("juliet", name, handled: UInt32(had - 3), on: 1)
        #expect(bodies(again) == (1...6).map(String.init))
        acknowledgeAll(again)
        try await isTold(romeo, 6)
        await isOver(stage)
        #expect(try await stored("juliet", stage) == 0)
    }

    /// A reload that takes offline storage away: nobody waits for it.
    @Test @LoopActor func offlineStorageGoesAway() async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1)
        try say(romeo, juliet.jid, 1...2)
        try await isTold(romeo, 2)
        try say(romeo, juliet.jid, 3...3)
        _ = await juliet.hears { $0["id"] == "3" }
        let without = try Stage.configuration("[modules.mod_stream_management]")
        for worker in stage.workers { #expect(worker.apply(without, workers: 2).isEmpty) }
        try await isTold(romeo, 3)
        acknowledgeAll(juliet)
        await isOver(stage)
        #expect(juliet.session.streamManagement!.unacked.isEmpty)
    }

    /// Neither an archive, nor the absence of offline storage, nor a sender that does not count makes anybody wait.
    @Test @LoopActor func whoNeedNotWaitDoesNot() async throws {
        let archived = try await stage(archive: true)
        let plain = try await Stage("[modules.mod_stream_management]", [Presence.self, StreamManagement.self])
        for stage in [archived, plain] {
            let (romeo, juliet, _) = try await couple(stage, on: 1)
            try say(romeo, juliet.jid, 1...3)
            try await isTold(romeo, 3)
            #expect(juliet.session.streamManagement!.unacked.isEmpty)
        }
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet"))
        try enable(juliet)
        try say(romeo, juliet.jid, 1...3)
        #expect(juliet.session.streamManagement!.unacked.isEmpty)
    }

    /// While older messages are fetched for a session that then ends.
    @Test(arguments: [true, false]) @LoopActor func whatIsHeldBackIsNotLost(counts: Bool) async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1, counts: counts)
        LiveMessageBuffer.holdBack(from: juliet.session)
        try say(romeo, juliet.jid, 1...2)
        try await romeo.settle()
        try await juliet.settle()
        #expect(bodies(juliet).isEmpty && handled(romeo) == 0)
        juliet.session.close(StreamError(.reset))
        try await isTold(romeo, 3)
        #expect(try await stored("juliet", stage) == 2)
    }

    /// Who asks without a pause is told how far it is, although something is always open.
    @Test @LoopActor func aRequestIsAnsweredWhenWhatItAskedAboutIsDone() async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1)
        try say(romeo, juliet.jid, 1...1)
        tell(romeo, "r")
        try say(romeo, juliet.jid, 2...2)
        tell(romeo, "r")
        _ = await juliet.hears { $0["id"] == "2" }
        tell(juliet, "a", ["h": "\(counted(juliet) - 1)"])
        #expect(await romeo.hears { $0.is("a", Self.sm) && $0["h"] == "1" } != nil)
        acknowledgeAll(juliet)
        #expect(await romeo.hears { $0.is("a", Self.sm) && $0["h"] == "2" } != nil)
    }

    /// Another worker is given so much and no more; the sender's next stanzas wait.
    @Test @LoopActor func aPeerThatIsSilentHasABound() async throws {
        let stage = try await stage()
        let (romeo, juliet, _) = try await couple(stage, on: 1)
        let padding = String(repeating: "x", count: 1 << 20)
        for number in 1...10 {
            try romeo.say("<message to='\(juliet.jid)' id='\(number)'><body>\(number)</body><x xmlns='x'>\(padding)</x></message>")
        }
        _ = try #require(await juliet.hears { $0["id"] == "8" })
        try await juliet.settle()
        #expect(!stage.workers[0].ackHolds.hasRoom(in: 1) && bodies(juliet).count == 8)
        try await isTold(romeo, 10)
        #expect(bodies(juliet) == (1...10).map(String.init))
    }
}
