import Kernel
import Network
import SharedState
import Testing
import XML
import XMPP

@testable import Modules

/// The worker on the other side dies when the 1st, 2nd, 3rd… frame is sent to it, until all goes well (H38). Whatever was
/// acknowledged before is then with its receiver, or kept.
@Suite(.timeLimit(.minutes(5))) struct MeshFailureTests {
    init() { StageLoop.start() }

    private static let sm = StreamManagementXML.namespace

    private func stage() async throws -> Stage {
        try await Stage(
            "[modules.mod_stream_management]\n[modules.mod_offline]\n[modules.mod_mam.pm]",
            [Presence.self, OfflineMessages.self, StreamManagement.self, Archive.self])
    }

    @LoopActor private func tell(_ client: StageClient, _ name: String, _ attributes: KeyValuePairs<String, String?> = [:]) {
        client.session.host.handleExtension(Element(name, Self.sm, attributes), from: client.session)
    }

    @LoopActor private func enable(_ client: StageClient) throws -> String {
        tell(client, "enable", ["resume": "true"])
        return try #require(client.heard.last { $0.is("enabled", Self.sm) }?["id"])
    }

    @LoopActor private func ids(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0["id"] }
    }

    /// Sends messages to an account or its session by turns and waits until they are acknowledged.
    @LoopActor private func say(_ sender: StageClient, to receiver: JID, _ numbers: Range<Int>) async throws {
        for number in numbers {
            let to = number % 2 == 0 ? receiver : receiver.bare
            try sender.say("<message to='\(to)' type='chat' id='\(number)'><body>\(number)</body></message>")
        }
        tell(sender, "r")
        _ = try #require(await sender.hears { $0.is("a", Self.sm) && $0["h"] == "\(numbers.upperBound)" })
    }

    /// What a user finds who logs in anew: what was kept for him, and his archive.
    @LoopActor private func found(_ user: String, in stage: Stage, on worker: Int) async throws -> Set<String> {
        let late = try await stage.client(user, "late", on: worker)
        try late.say("<presence/>")
        try await late.settle()
        let answer = try await late.ask("set", "<query xmlns='urn:xmpp:mam:2'/>")
        #expect(answer["type"] == "result", "\(answer)")
        let stored = late.heard.compactMap {
            $0.child("result", "urn:xmpp:mam:2")?.child("forwarded", "urn:xmpp:forward:0")?.child("message", Namespace.client)?[
                "id"]
        }
        return Set(ids(late) + stored)
    }

    @Test @LoopActor func messagesToAnotherWorker() async throws {
        for count in 1... {
            let stage = try await stage()
            let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
            try juliet.say("<presence/>")
            try await juliet.settle()
            _ = try enable(romeo)
            _ = try enable(juliet)
            stage.failMesh(from: 0, atSend: count)
            try await say(romeo, to: juliet.jid, 0..<6)
            let hasFailed = stage.meshHasFailed
            if !hasFailed { try await juliet.settle() }
            let everywhere = Set(ids(juliet)).union(try await found("juliet", in: stage, on: 0))
            #expect(everywhere.isSuperset(of: (0..<6).map(String.init)), "the worker dies at frame \(count): \(everywhere)")
            #expect(Set(ids(juliet)).count == ids(juliet).count)
            if !hasFailed {
                #expect(ids(juliet) == (0..<6).map(String.init))
                #expect(count > 6, "each message is a frame")
                break
            }
        }
    }

    /// The other worker lives, has the session, and takes nothing: that is not tried again and again.
    @Test @LoopActor func aWorkerThatTakesNothing() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
        try juliet.say("<presence/>")
        try await juliet.settle()
        _ = try enable(romeo)
        stage.fillMesh()
        try await say(romeo, to: juliet.jid, 0..<4)
        await StageTime.until { stage.workers[0].isIdle }
        #expect(ids(juliet) == [])
        #expect(try await found("juliet", in: stage, on: 0).isSuperset(of: (0..<4).map(String.init)))
    }

    /// What was on its way to the worker that a session has just left dies with that worker. The session does not go on
    /// without it: who begins anew looks in the archive.
    @Test @LoopActor func aSessionThatMissesSomethingEnds() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo", on: 1), try await stage.client("juliet"))
        try juliet.say("<presence/>")
        try await juliet.settle()
        _ = try enable(romeo)
        let name = try enable(juliet)
        juliet.session.streamDidDisconnect(juliet)
        let moved = stage.resuming("juliet", name, handled: 0, on: 1)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            @LoopActor func look() {
                guard stage.workers[0].sessionsOnTheMove == 1 else { return Loop.submit { look() } }
                #expect(stage.workers[1].session(juliet.jid)?.slot == 0, "it has not arrived")
                // The first frame from now on is the message, sent after the session.
                stage.failMesh(from: 0, atSend: 1)
                do {
                    try romeo.say("<message to='\(juliet.jid)' type='chat' id='lost'><body>x</body></message>")
                } catch { Issue.record(error) }
                continuation.resume()
            }
            look()
        }
        tell(romeo, "r")
        _ = try #require(await romeo.hears { $0.is("a", Self.sm) && $0["h"] == "1" })
        let again = try await moved.end().0
        await StageTime.until { stage.meshHasFailed }
        await StageTime.until { again.session?.hasEnded != false }
        #expect(again.session?.hasEnded != false && !ids(again).contains("lost"))
        #expect(try await found("juliet", in: stage, on: 1).contains("lost"))
    }

    /// The same where the worker dies that the session has just come to, which its former worker has not heard of.
    @Test @LoopActor func aSessionThatComesBackWithoutSomethingEnds() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet"))
        try juliet.say("<presence/>")
        try await juliet.settle()
        _ = try enable(juliet)
        _ = stage.workers[0].moveResumableSessions(to: 1)
        _ = try enable(romeo)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            @LoopActor func look() {
                guard stage.workers[1].session(juliet.jid)?.slot == 1 else { return Loop.submit { look() } }
                // The first is on its way when the second finds the worker dead.
                stage.failMesh(from: 0, atSend: 2)
                do {
                    for id in ["lost", "found"] {
                        try romeo.say("<message to='\(juliet.jid)' type='chat' id='\(id)'><body>x</body></message>")
                    }
                } catch { Issue.record(error) }
                continuation.resume()
            }
            look()
        }
        await StageTime.until { juliet.session.hasEnded }
        #expect(juliet.session.hasEnded && juliet.error?.condition == .reset)
        tell(romeo, "r")
        _ = try #require(await romeo.hears { $0.is("a", Self.sm) && $0["h"] == "2" })
        #expect(try await found("juliet", in: stage, on: 0).isSuperset(of: ["lost", "found"]))
    }

    /// A session is asked for by the other worker, while somebody writes to it. Either side may be the one that lives on.
    @Test(arguments: [0, 1]) @LoopActor func aSessionMoves(survivor: Int) async throws {
        for count in 1... {
            let stage = try await stage()
            let (romeo, juliet) = (try await stage.client("romeo", on: survivor), try await stage.client("juliet"))
            try juliet.say("<presence/>")
            try await juliet.settle()
            _ = try enable(romeo)
            let name = try enable(juliet)
            try await say(romeo, to: juliet.jid, 0..<2)
            try await juliet.settle()
            juliet.session.streamDidDisconnect(juliet)
            stage.failMesh(from: survivor, atSend: count)
            let moved = stage.resuming("juliet", name, handled: 0, on: 1)
            try await say(romeo, to: juliet.jid, 2..<7)
            var again = try await moved.end().0
            let hasFailed = stage.meshHasFailed
            // Where the session did not get away it waits as before.
            if hasFailed, survivor == 0 { again = await stage.resumed("juliet", name, handled: 0, on: 0).0 }
            // Where it did, and something may be lost behind it, it is over.
            if let session = again.session, !session.hasEnded { try await again.settle() }
            let heard = ids(again)
            let everywhere = Set(ids(juliet)).union(heard).union(try await found("juliet", in: stage, on: survivor))
            #expect(everywhere.isSuperset(of: (0..<7).map(String.init)), "\(survivor) lives, at frame \(count): \(everywhere)")
            #expect(Set(heard).count == heard.count && heard == heard.sorted(), "\(survivor) lives, at frame \(count): \(heard)")
            if !hasFailed {
                #expect(heard == (0..<7).map(String.init))
                #expect(count > 2)
                break
            }
        }
    }
}
