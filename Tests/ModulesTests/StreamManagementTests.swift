import IPC
import Network
import SharedState
import Storage
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct StreamManagementTests {
    init() { StageLoop.start() }

    private static let sm = StreamManagementXML.namespace

    private func stage(_ options: String = "", _ more: [any Module.Type] = []) async throws -> Stage {
        try await Stage(
            "[modules.mod_stream_management]\n\(options)\n[modules.mod_offline]\n[modules.mod_csi]\n[modules.mod_carboncopy]",
            [Presence.self, OfflineMessages.self, Carbons.self, ClientState.self, StreamManagement.self] + more)
    }

    /// An element beside the stanzas, as `ClientDriver` hands it on.
    @LoopActor private func tell(_ client: StageClient, _ name: String, _ attributes: KeyValuePairs<String, String?> = [:]) {
        client.session.host.handleExtension(Element(name, Self.sm, attributes), from: client.session)
    }

    /// Enables it and answers the name for resumption, if there is one.
    @LoopActor @discardableResult private func enable(_ client: StageClient, resume: Bool = true) throws -> String? {
        tell(client, "enable", ["resume": resume ? "true" : nil])
        let enabled = try #require(client.heard.last { $0.is("enabled", Self.sm) })
        return enabled["id"]
    }

    @LoopActor private func bodies(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text }
    }

    @LoopActor private func say(_ from: StageClient, _ to: StageClient, _ numbers: ClosedRange<Int>) throws {
        for number in numbers { try from.say("<message to='\(to.jid)' type='chat'><body>\(number)</body></message>") }
    }

    @LoopActor private func answers(_ client: StageClient) -> [String] {
        client.heard.filter { $0.is("a", Self.sm) }.compactMap { $0["h"] }
    }

    @Test @LoopActor func countsAndAnswers() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
        try say(romeo, juliet, 1...2)  // before it counts
        try enable(romeo)
        try say(romeo, juliet, 3...5)
        tell(romeo, "r")
        _ = await romeo.hears { $0.is("a", Self.sm) }
        #expect(answers(romeo) == ["3"])
        tell(romeo, "enable")
        #expect(romeo.heard.suffix(2).first?.child("unexpected-request", Namespace.stanzas) != nil)
        #expect(romeo.isClosed && romeo.error?.condition == .policyViolation && romeo.session.hasEnded)
    }

    /// Presence that is said again for a new photo is not the client's, whether it must wait its turn or not.
    @Test @LoopActor func whatTheServerSaysForTheClientIsNotCounted() async throws {
        let stage = try await stage("[modules.mod_vcard]", [VCardTemp.self])
        let (phone, laptop) = (try await stage.client("alice", "phone"), try await stage.client("alice", "laptop", on: 1))
        for client in [phone, laptop] {
            try enable(client)
            try client.say("<presence id='here'/>")
            try await client.settle()
        }
        for number in 1...3 {
            let photo = "<PHOTO><BINVAL>YWJ\(number)</BINVAL></PHOTO>"
            #expect(try await phone.ask("set", "<vCard xmlns='vcard-temp'>\(photo)</vCard>")["type"] == "result")
        }
        func announcements(_ client: StageClient) -> Int {
            client.heard.filter { $0.isNamed("presence") && $0["from"] == "\(client.jid)" && $0.has("x", "vcard-temp:x:update") }
                .count
        }
        for client in [phone, laptop] {
            _ = await client.hears { _ in announcements(client) == 3 }
            try await client.settle()
            #expect(announcements(client) == 3)
            tell(client, "r")
            _ = await client.hears { $0.is("a", Self.sm) }
        }
        // Presence, what settles twice, and the cards of the phone.
        #expect(answers(phone) == ["6"] && answers(laptop) == ["3"])
    }

    /// However often a client asks in a turn, it is answered once.
    @Test @LoopActor func aFloodOfRequestsIsOneAnswer() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        try enable(romeo)
        for _ in 0..<1000 { tell(romeo, "r") }
        _ = await romeo.hears { $0.is("a", Self.sm) }
        try await romeo.settle()
        #expect(answers(romeo).count == 1)
    }

    @Test @LoopActor func theAnswerWaitsForWhatWasPromised() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
        try enable(romeo)
        var acks: [PendingAck] = []
        stage.host().hooks.outgoing.add(.archive) { outgoing in
            acks.append(outgoing.session.deferAck())
            return .next
        }
        try say(romeo, juliet, 1...3)
        tell(romeo, "r")
        try await juliet.settle()
        #expect(answers(romeo).isEmpty && acks.count == 3)
        acks[1].fulfill()
        acks[0].fulfill()
        try await juliet.settle()
        #expect(answers(romeo).isEmpty)
        acks[2].fulfill()
        _ = await romeo.hears { $0.is("a", Self.sm) }
        #expect(answers(romeo) == ["3"])
    }

    @Test @LoopActor func aBrokenPromiseEndsTheStream() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
        try enable(romeo)
        stage.host().hooks.outgoing.add(.archive) { outgoing in
            outgoing.session.deferAck().fail("the disk is full")
            return .next
        }
        try say(romeo, juliet, 1...1)
        tell(romeo, "r")
        #expect(romeo.error?.condition == .internalServerError && romeo.session.hasEnded && answers(romeo).isEmpty)
    }

    @Test @LoopActor func tooHighACountEndsTheStream() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        try enable(romeo)
        tell(romeo, "a", ["h": "1"])
        #expect(romeo.error?.condition == .undefinedCondition)
        let detail = try #require(romeo.error?.detail)
        #expect(detail.is("handled-count-too-high", Self.sm) && detail["h"] == "1" && detail["send-count"] == "0")
    }

    /// On the same worker or another: nothing is lost, doubled or overtaken, whoever sends from wherever.
    @Test(arguments: [0, 1]) @LoopActor func resumes(on worker: Int) async throws {
        let stage = try await stage()
        let senders = [try await stage.client("a"), try await stage.client("b", on: 1)]
        let romeo = try await stage.client("romeo")
        try romeo.say("<presence><show>away</show></presence>")
        try await romeo.settle()
        let name = try #require(try enable(romeo))
        for sender in senders { try say(sender, romeo, 1...10) }
        for sender in senders { try await sender.settle() }
        _ = await romeo.hears { $0.child("body")?.text == "10" && $0["from"]?.hasPrefix("b@") == true }
        let had = romeo.heard.filter { $0.isNamed("message") }.count
        #expect(had == 20)
        romeo.session.streamDidDisconnect(romeo)
        #expect(stage.workers[0].session(romeo.jid)?.flags.contains(.detached) == true)
        for sender in senders { try say(sender, romeo, 11...20) }
        let resumption = stage.resuming("romeo", name, handled: UInt32(had - 5), on: worker)
        for sender in senders { try say(sender, romeo, 21...30) }
        let (client, answer) = try await resumption.end()
        for sender in senders { try say(sender, romeo, 31...40) }
        guard case .resumed(let session, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(session.jid == romeo.jid && session.isAvailable && !session.flags.contains(.detached))
        for sender in ["a@", "b@"] {
            _ = await client.hears { $0.child("body")?.text == "40" && $0["from"]?.hasPrefix(sender) == true }
        }
        let messages =
            (romeo.heard.filter { $0.isNamed("message") }.prefix(had - 5) + client.heard.filter { $0.isNamed("message") })
        for sender in ["a@", "b@"] {
            let texts = messages.filter { $0["from"]?.hasPrefix(sender) == true }.compactMap { $0.child("body")?.text }
            #expect(texts == (1...40).map { "\($0)" }, "\(sender)")
        }
        for server in stage.workers { #expect(server.sessionsOnTheMove == 0) }
    }

    @Test @LoopActor func whatTheModulesKnowMovesAlong() async throws {
        let stage = try await stage()
        let friend = try await stage.client("friend", on: 1)
        try friend.say("<presence/>")
        try await stage.roster(of: "romeo", "friend", .both)
        try await stage.roster(of: "friend", "romeo", .both)
        let romeo = try await stage.client("romeo")
        try romeo.say("<presence><show>away</show></presence>")
        _ = try await romeo.ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        let name = try #require(try enable(romeo))
        let (client, _) = await stage.resumed("romeo", name, handled: 0, on: 1)
        #expect(romeo.isReleased && romeo.error?.condition == .conflict)
        #expect(client.session.flags.contains(.carbons))
        // The presence is known where the session is now: a probe is answered from there.
        try friend.say("<presence type='probe' to='romeo@\(Stage.domain)'/>")
        #expect(await friend.hears { $0.isNamed("presence") && $0.child("show")?.text == "away" } != nil)
        // And it was never told unavailable.
        try await friend.settle()
        #expect(!friend.heard.contains { $0.isNamed("presence") && $0["type"] == "unavailable" })
        client.session.close(StreamError(.reset))
        #expect(await friend.hears { $0.isNamed("presence") && $0["type"] == "unavailable" } != nil)
    }

    @Test @LoopActor func aWorkerThatLeavesSendsItsSessionsAway() async throws {
        let stage = try await stage()
        let sender = try await stage.client("a", on: 1)
        var clients: [(StageClient, String)] = []
        for number in 0..<10 {
            let client = try await stage.client("romeo", "r\(number)")
            try client.say("<presence/>")
            try await client.settle()
            clients.append((client, try #require(try enable(client))))
        }
        for (client, _) in clients { try say(sender, client, 1...3) }
        await StageTime.until { stage.workers[0].moveResumableSessions(to: 1, limit: 3) == 0 }
        for (client, _) in clients { try say(sender, client, 4...6) }
        await StageTime.until { stage.workers[0].sessionsOnTheMove == 0 }
        #expect(stage.workers[0].localSessions.isEmpty)
        for (client, name) in clients {
            #expect(client.isReleased && client.error == nil)
            let (again, answer) = await stage.resumed("romeo", name, handled: 0, on: 1)
            guard case .resumed = answer else {
                Issue.record("\(answer)")
                continue
            }
            #expect(Array(bodies(again).suffix(6)) == (1...6).map { "\($0)" })
        }
    }

    @Test @LoopActor func unknownNamesAndOtherUsersAreRefused() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        let name = try #require(try enable(romeo))
        let wrong = String(repeating: "A", count: Host.keyCharacters) + "r"
        for (user, name) in [("romeo", wrong), ("romeo", "short"), ("juliet", name), ("romeo", name + "x")] {
            guard case (_, .refused(.itemNotFound, nil)) = await stage.resumed(user, name, handled: 0, on: 0) else {
                Issue.record("\(user) \(name) was not refused")
                continue
            }
        }
        #expect(!romeo.isReleased && !romeo.session.hasEnded)
    }

    @Test @LoopActor func withoutResumptionTheSessionEndsWithItsConnection() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        #expect(try enable(romeo, resume: false) == nil)
        romeo.session.streamDidDisconnect(romeo)
        #expect(romeo.session.hasEnded)
    }

    /// XEP-0198 §5: who does not come back has messages kept, with the time when they came, and each once.
    @Test @LoopActor func whatIsNotAcknowledgedIsKept() async throws {
        let stage = try await stage("resume_timeout = 1\nstale_h.enabled = true")
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
        try romeo.say("<presence/>")
        try await romeo.settle()
        let name = try #require(try enable(romeo))
        try say(romeo, juliet, 1...2)
        try say(juliet, romeo, 1...3)
        _ = await romeo.hears { $0.child("body")?.text == "3" }
        tell(romeo, "a", ["h": "1"])
        romeo.session.streamDidDisconnect(romeo)
        try say(juliet, romeo, 4...4)
        await StageTime.until { romeo.session.hasEnded }
        await StageTime.until { stage.workers.allSatisfy(\.isIdle) }
        guard case (_, .refused(.itemNotFound, let count)) = await stage.resumed("romeo", name, handled: 0, on: 1) else {
            Issue.record("resumed")
            return
        }
        #expect(count == 2)
        let again = try await stage.bound("romeo", "other", on: 1)
        try again.say("<presence/>")
        _ = await again.hears { $0.child("body")?.text == "4" }
        try await again.settle()
        let kept = again.heard.filter { $0.isNamed("message") }
        #expect(kept.compactMap { $0.child("body")?.text } == ["2", "3", "4"])
        for message in kept { #expect(message.children.count { $0.is("delay", Namespace.delay) } == 1) }
    }

    /// What waits for a client stays stored until the client says that it has it.
    @Test @LoopActor func keptMessagesAreForgottenWhenTheyAreAcknowledged() async throws {
        let stage = try await stage()
        try await stage.account("romeo")
        let juliet = try await stage.client("juliet", on: 1)
        for number in 1...3 {
            try juliet.say("<message to='romeo@\(Stage.domain)' type='chat'><body>\(number)</body></message>")
        }
        try await juliet.settle()
        let first = try await stage.bound("romeo")
        try enable(first)
        try first.say("<presence/>")
        _ = await first.hears { $0.child("body")?.text == "3" }
        try await first.settle()
        let before = first.heard.prefix { $0.child("body")?.text != "2" }.count { ["message", "presence", "iq"].contains($0.name) }
        tell(first, "a", ["h": "\(before)"])
        // As if the worker had died: nothing of the session's queue is saved.
        first.session.discardAfterMigration()
        stage.workers[0].directory.remove(first.jid, owner: first.session.owner)
        let key = UserKey(user: "romeo", domain: Stage.domain)
        try await StageTime.until { try await stage.store.offline.page(key, after: 0, limit: 9, now: 0).count <= 2 }
        let second = try await stage.bound("romeo", on: 1)
        try second.say("<presence/>")
        _ = await second.hears { $0.child("body")?.text == "3" }
        #expect(bodies(second) == ["2", "3"])
    }

    /// Another resource that had its copy is not told again.
    @Test @LoopActor func whoHadACopyGetsNoSecond() async throws {
        let stage = try await stage("resume_timeout = 1")
        let juliet = try await stage.client("juliet", on: 1)
        let romeo = try await stage.client("romeo", "one"), other = try await stage.bound("romeo", "two", on: 1)
        for client in [romeo, other] {
            try client.say("<presence/>")
            _ = try await client.ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        }
        try enable(romeo)
        try say(juliet, romeo, 1...1)
        _ = await other.hears { $0.child("received", "urn:xmpp:carbons:2") != nil }
        romeo.session.streamDidDisconnect(romeo)
        await StageTime.until { romeo.session.hasEnded }
        await StageTime.until { stage.workers.allSatisfy(\.isIdle) }
        try await other.settle()
        #expect(bodies(other).isEmpty)
    }

    /// Resources that end one after another without a word hand on what was for all of them once each, not all that they had.
    @Test @LoopActor func copiesForAllDoNotMultiply() async throws {
        let stage = try await stage()
        let juliet = try await stage.client("juliet", on: 1)
        var romeos = [try await stage.client("romeo", "0")]
        for number in 1..<5 { romeos.append(try await stage.bound("romeo", "\(number)", on: number % 2)) }
        for romeo in romeos {
            try romeo.say("<presence/>")
            try await romeo.settle()
            try enable(romeo, resume: false)
        }
        for number in 1...2 {
            try juliet.say("<message to='romeo@\(Stage.domain)' id='m\(number)' type='chat'><body>\(number)</body></message>")
        }
        try juliet.say("<message to='\(romeos[0].jid)' id='m3' type='chat'><body>3</body></message>")
        for (copies, romeo) in zip(1..., romeos) {
            await StageTime.until { bodies(romeo).count { $0 == "2" } >= copies }
            await StageTime.until { stage.workers.allSatisfy(\.isIdle) }
            #expect(bodies(romeo).count { $0 == "1" } == copies && bodies(romeo).count { $0 == "2" } == copies)
            #expect(bodies(romeo).count { $0 == "3" } == max(1, copies - 1), "it went to all when its resource was gone")
            romeo.session.end()
        }
        let late = try await stage.bound("romeo", "late")
        try late.say("<presence/>")
        _ = await late.hears { $0.child("body")?.text == "3" }
        try await late.settle()
        #expect(bodies(late).sorted() == ["1", "2", "3"])
    }

    @Test @LoopActor func tooMuchUnacknowledgedEndsASessionThatIsAway() async throws {
        let stage = try await stage("buffer_max = 3")
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
        try romeo.say("<presence/>")
        try await romeo.settle()
        try enable(romeo)
        romeo.session.streamDidDisconnect(romeo)
        try say(juliet, romeo, 1...3)
        try await juliet.settle()
        #expect(!romeo.session.hasEnded)
        try say(juliet, romeo, 4...4)
        await StageTime.until { romeo.session.hasEnded }
        await StageTime.until { stage.workers.allSatisfy(\.isIdle) }
        let again = try await stage.bound("romeo", on: 1)
        try again.say("<presence/>")
        _ = await again.hears { $0.child("body")?.text == "4" }
        #expect(bodies(again) == ["1", "2", "3", "4"])
    }
}
