import IPC
import Network
import SharedState
import Storage
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// Each migration has an end, whatever ends before it, and what is sent after a session is sent once.
@Suite(.timeLimit(.minutes(5))) struct MigrationEndTests {
    init() { StageLoop.start() }

    private static let catalog: [any Module.Type] = [Presence.self, OfflineMessages.self, Roster.self, StreamManagement.self]

    private func stage() async throws -> Stage {
        try await Stage("[modules.mod_stream_management]\n[modules.mod_offline]\n[modules.mod_roster]", Self.catalog)
    }

    @LoopActor private func enable(_ client: StageClient) throws -> String {
        client.session.host.handleExtension(
            Element("enable", StreamManagementXML.namespace, ["resume": "true"]), from: client.session)
        return try #require(client.heard.last?["id"])
    }

    @LoopActor private func isIdle(_ stage: Stage) async -> Bool {
        await StageTime.passes(within: .seconds(60)) { stage.workers.allSatisfy { $0.migration.isIdle } }
    }

    @LoopActor private func bodies(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text }
    }

    /// How a client makes its session end between the snapshot and the end of the barrier.
    enum Ending: CaseIterable { case tooHighCount, streamEnd, beforeAdoption }

    @Test(
        "sessions that end as soon as they have migrated leave no migration behind, and nothing multiplies",
        arguments: Ending.allCases)
    @LoopActor func endedWhileMigrating(_ ending: Ending) async throws {
        let stage = try await stage()
        let watcher = try await stage.client("romeo", "watcher", on: 1)
        try watcher.say("<presence/>")
        try await watcher.settle()
        for number in 0..<16 {
            let (from, to) = (number % 2, 1 - number % 2)
            let romeo = try await stage.bound("romeo", "r\(number)", on: from)
            let name = try enable(romeo)
            switch ending {
            case .tooHighCount:
                romeo.session.streamDidDisconnect(romeo)
                let (_, answer) = await stage.resumed("romeo", name, handled: 999, on: to)
                guard case .broken = answer else {
                    Issue.record("\(answer)")
                    continue
                }
            case .streamEnd:
                romeo.session.streamDidDisconnect(romeo)
                let (again, _) = await stage.resumed("romeo", name, handled: 0, on: to)
                again.session.end()
            case .beforeAdoption:
                #expect(stage.workers[from].migration.migrate(romeo.session, to: UInt8(to)))
                romeo.session.end()
            }
        }
        #expect(await isIdle(stage))
        #expect(stage.workers.map { $0.localSessions.count } == [0, 1])
        let count = watcher.heard.count
        let late = try await stage.bound("romeo", "late")
        try late.say("<presence/>")
        for _ in 0..<3 {
            try await late.settle()
            try await watcher.settle()
        }
        #expect(watcher.heard.dropFirst(count).count { $0.isNamed("presence") } == 1)
        #expect(late.heard.count { $0.isNamed("presence") } == 2)
    }

    /// The barriers of many sessions of one user are kept up, in both workers.
    @Test("an event is told once to each session, also while they migrate to and fro") @LoopActor func eventsAreToldOnce()
        async throws
    {
        let stage = try await stage()
        var clients: [StageClient] = []
        for number in 0..<8 {
            let client =
                try await
                (number == 0
                ? stage.client("romeo", "r0") : stage.bound("romeo", "r\(number)", on: number % 2))
            _ = try enable(client)
            try client.say("<presence/>")
            clients.append(client)
        }
        let juliet = try await stage.client("juliet")
        for client in clients { try await client.settle() }
        for client in clients {
            let slot = client.session.host.server.slot
            #expect(client.session.host.server.migration.migrate(client.session, to: 1 - slot))
        }
        // In the turn of the departure, before it is heard of, and while the others wait for echoes.
        for _ in 0..<3 {
            stage.host(0).notify(clients[0].jid.bare, PresenceState.sendTopic, Array(juliet.jid.description.utf8))
            await Loop.nextTurn()
        }
        #expect(await isIdle(stage))
        try await juliet.settle()
        await StageTime.runUntilIdle()
        let told = Dictionary(grouping: juliet.heard.filter { $0.isNamed("presence") }, by: { $0["from"] }).mapValues(\.count)
        #expect(told == Dictionary(uniqueKeysWithValues: clients.map { ($0.jid.description, 3) }))
    }

    @Test("a session whose stream ends before it is adopted ends once, and its contacts see that") @LoopActor
    func endBeforeAdoption() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet"))
        for (user, contact) in [("romeo", "juliet"), ("juliet", "romeo")] { try await stage.roster(of: user, contact, .both) }
        _ = try enable(romeo)
        try juliet.say("<presence/>")
        try romeo.say("<presence/>")
        try await romeo.settle()
        #expect(stage.workers[0].migration.migrate(romeo.session, to: 1))
        try juliet.say("<message to='\(romeo.jid)' type='chat'><body>1</body></message>")
        romeo.session.end()
        _ = await juliet.hears { $0.isNamed("presence") && $0["type"] == "unavailable" }
        #expect(await isIdle(stage))
        try await juliet.settle()
        #expect(juliet.heard.count { $0["type"] == "unavailable" } == 1)
        #expect(stage.workers[1].localSessions.isEmpty && stage.workers[0].session(romeo.jid) == nil)
        let again = try await stage.bound("romeo", "again", on: 1)
        try again.say("<presence/>")
        _ = await again.hears { $0.isNamed("message") }
        #expect(bodies(again) == ["1"])
    }

    @Test("messages of a migration that a full mesh refuses are sent when it has room") @LoopActor
    func refusedMessagesAreSentLater() async throws {
        // Frames that each worker gets sent before the mesh is full for a while.
        for frames in 1...7 {
            let stage = try await stage()
            let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet"))
            let name = try enable(romeo)
            #expect(stage.workers[0].migration.migrate(romeo.session, to: 1))
            for _ in 1..<frames { await Loop.nextTurn() }
            stage.fillMesh()
            await StageTime.runUntilIdle()
            stage.emptyMesh()
            #expect(await isIdle(stage), "after \(frames) turns")
            try juliet.say("<message to='\(romeo.jid)' type='chat'><body>1</body></message>")
            let (again, _) = await stage.resumed("romeo", name, handled: 0, on: 1)
            _ = await again.hears { $0.isNamed("message") }
            #expect(bodies(again) == ["1"])
        }
    }

    @Test("a claim that a full mesh refuses, or a snapshot, moves nothing") @LoopActor func refusedBeginnings() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        let name = try enable(romeo)
        stage.fillMesh()
        #expect(!stage.workers[0].migration.migrate(romeo.session, to: 1))
        #expect(await stage.workers[1].migration.claim(romeo.session.owner, key: "", connection: 9) == nil)
        #expect(
            stage.workers.allSatisfy { $0.migration.isIdle } && stage.workers[0].session(romeo.session.connection) === romeo.session
        )
        stage.emptyMesh()
        let (again, _) = await stage.resumed("romeo", name, handled: 0, on: 1)
        #expect(again.session?.host === stage.host(1))
    }

    @Test("a session for which too much waits before it is adopted ends, and what waited finds another way") @LoopActor
    func tooMuchWaits() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet"))
        _ = try enable(romeo)
        #expect(stage.workers[0].migration.migrate(romeo.session, to: 1))
        let connection = romeo.session.connection
        let message = Array("<message from='\(juliet.jid)' to='\(romeo.jid)' type='chat'><body>1</body></message>".utf8)
        for _ in 0..<OutgoingMigration.maxPending {
            stage.workers[0].migration.followUp(connection, .flushed(slot: 7))
        }
        #expect(!romeo.session.hasEnded)
        stage.workers[0].migration.followUp(connection, .stanza(RenderedStanza(.message, message)))
        #expect(romeo.session.hasEnded && romeo.error?.condition == .reset)
        #expect(await isIdle(stage))
        #expect(stage.workers[1].localSessions.isEmpty, "an adoption that comes too late is answered with the session's end")
        let again = try await stage.bound("romeo", "again", on: 1)
        try again.say("<presence/>")
        _ = await again.hears { $0.isNamed("message") }
        #expect(bodies(again) == ["1"])
    }

    @Test("what comes while a client is away says when it came; what a stream has taken is sent again as it was") @LoopActor
    func delayed() async throws {
        let stage = try await stage()
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet"))
        let name = try enable(romeo)
        let own = "<delay xmlns='urn:xmpp:delay' from='\(juliet.jid)' stamp='2001-02-03T04:05:06Z'/>"
        func say(_ number: Int) throws {
            try juliet.say("<message to='\(romeo.jid)' type='chat' id='\(number)'><body>\(number)</body>\(own)</message>")
        }
        try say(1)
        try await juliet.settle()
        romeo.session.streamDidDisconnect(romeo)
        try say(2)
        try await juliet.settle()
        #expect(stage.workers[0].migration.migrate(romeo.session, to: 1))
        try say(3)
        #expect(await isIdle(stage))
        let (again, _) = await stage.resumed("romeo", name, handled: 0, on: 1)
        try say(4)
        _ = await again.hears { $0["id"] == "4" }
        let stamps = again.heard.filter { $0.isNamed("message") }.map { message in
            message.children.filter { $0.is("delay", Namespace.delay) && $0["from"] == Stage.domain }.count
        }
        #expect(bodies(again) == ["1", "2", "3", "4"] && stamps == [0, 1, 1, 0])
        #expect(
            again.bytes.first { $0.starts(with: Array("<message".utf8)) }
                == romeo.bytes.first { $0.starts(with: Array("<message".utf8)) })
        // Whoever gets them next sees the same, once.
        again.session.end()
        let last = try await stage.bound("romeo", "last")
        try last.say("<presence/>")
        _ = await last.hears { $0["id"] == "4" }
        #expect(
            last.heard.filter { $0.isNamed("message") }.allSatisfy { message in
                message.children.filter { $0.is("delay", Namespace.delay) && $0["from"] == Stage.domain }.count == 1
            })
    }
}
