import Kernel
import Network
import Storage
import Testing
import XML
import XMPP

@testable import Modules

/// What clients are told to have been handled is stored, whatever storage does meanwhile (H38, XEP-0198 §4).
@Suite(.timeLimit(.minutes(5))) struct StorageFailureTests {
    init() { StageLoop.start() }

    private static let sm = StreamManagementXML.namespace

    private func stage(_ modules: String) async throws -> Stage {
        try await Stage(
            "[modules.mod_stream_management]\n\(modules)",
            [Presence.self, OfflineMessages.self, StreamManagement.self, Archive.self])
    }

    @LoopActor private func tell(_ client: StageClient, _ name: String, _ attributes: KeyValuePairs<String, String?> = [:]) {
        client.session.host.handleExtension(Element(name, Self.sm, attributes), from: client.session)
    }

    /// The highest count that the client was told.
    @LoopActor private func acknowledged(_ client: StageClient) -> Int {
        client.heard.compactMap { $0.is("a", Self.sm) ? $0["h"].flatMap { Int($0) } : nil }.max() ?? 0
    }

    /// Says what is given, again on another stream when one ends, until all is acknowledged. Gives the ids of those that
    /// came back with an error: their sender knows.
    @LoopActor private func say(_ numbers: Range<Int>, from user: String, to receiver: JID, in stage: Stage) async throws -> Set<
        String
    > {
        var left = Array(numbers)
        var returned: Set<String> = []
        for attempt in 0..<10 {
            let client = try await stage.bound(user, "r\(attempt)")
            tell(client, "enable", ["resume": "false"])
            for number in left where !client.session.hasEnded {
                let to = number % 2 == 0 ? receiver : receiver.bare
                try client.say("<message to='\(to)' type='chat' id='\(number)'><body>\(number)</body></message>")
            }
            if !client.session.hasEnded { tell(client, "r") }
            let target = left.count
            _ = await client.hears { $0.is("a", Self.sm) && $0["h"] == "\(target)" || $0.is("error", Namespace.stream) }
            left.removeFirst(min(left.count, acknowledged(client)))
            returned.formUnion(client.heard.filter { $0.isNamed("message") && $0["type"] == "error" }.compactMap { $0["id"] })
            if left.isEmpty { return returned }
            client.session.end()
        }
        throw StageFailure("\(left) not acknowledged")
    }

    /// What a user finds who logs in: what was kept for him, and his archive, if there is one.
    @LoopActor private func found(_ user: String, in stage: Stage) async throws -> Set<String> {
        let late = try await stage.bound(user, "late")
        try late.say("<presence/>")
        try await late.settle()
        let answer = try await late.ask("set", "<query xmlns='urn:xmpp:mam:2'/>")
        let stored =
            answer["type"] == "error"
            ? []
            : late.heard.compactMap {
                $0.child("result", "urn:xmpp:mam:2")?.child("forwarded", "urn:xmpp:forward:0")?.child("message", Namespace.client)?[
                    "id"]
            }
        return Set(late.heard.filter { $0.isNamed("message") }.compactMap { $0["id"] } + stored)
    }

    @Test(
        arguments: ["[modules.mod_mam.pm]", "[modules.mod_offline]", "[modules.mod_offline]\n[modules.mod_mam.pm]"], [true, false])
    @LoopActor func callsFail(modules: String, isThere: Bool) async throws {
        for count in 1... {
            let stage = try await stage(modules)
            for user in ["romeo", "juliet"] { try await stage.account(user) }
            var juliet: StageClient?
            if isThere {
                let client = try await stage.bound("juliet", on: 1)
                try client.say("<presence/>")
                try await client.settle()
                juliet = client
            }
            let address = JID.prepared("juliet@\(Stage.domain)").with(resource: isThere ? "r" : "gone")
            // What is read once, at the start, has been.
            _ = try await say(100..<101, from: "romeo", to: address, in: stage)
            stage.database.trouble.fail(atCall: count)
            let returned = try await say(0..<6, from: "romeo", to: address, in: stage)
            let hasFailed = stage.database.trouble.hasFailed
            stage.database.trouble.recover()
            // Who is there may be gone before it is looked at: only what is stored counts where there is an archive.
            let heard = modules.contains("mam") ? [] : (juliet?.heard ?? []).compactMap { $0.isNamed("message") ? $0["id"] : nil }
            let everywhere = try await found("juliet", in: stage).union(heard).union(returned)
            #expect(everywhere.isSuperset(of: (0..<6).map(String.init)), "call \(count) fails: \(everywhere)")
            if !hasFailed {
                #expect(returned.isEmpty)
                break
            }
            #expect(count < 100)
        }
    }

    /// The other worker takes nothing any more, and what was meant for it is stored instead.
    @Test @LoopActor func whatTheMeshRefusesIsAcknowledgedWhenItIsStored() async throws {
        let stage = try await stage("[modules.mod_offline]")
        let (romeo, juliet) = (try await stage.client("romeo"), try await stage.client("juliet", on: 1))
        try juliet.say("<presence/>")
        try await juliet.settle()
        tell(romeo, "enable", ["resume": "false"])
        stage.failMesh(from: 0, atSend: 1)
        stage.database.trouble.holdWrites()
        try romeo.say("<message to='\(juliet.jid)' type='chat' id='1'><body>1</body></message>")
        tell(romeo, "r")
        await stage.database.trouble.waitForHeldWrite()
        #expect(acknowledged(romeo) == 0)
        stage.database.trouble.releaseWrites()
        _ = try #require(await romeo.hears { $0.is("a", Self.sm) && $0["h"] == "1" })
        #expect(
            try await stage.store.offline.page(UserKey(user: "juliet", domain: Stage.domain), after: 0, limit: 9, now: 0).count == 1
        )
    }

    /// With an archive, too: nothing is told before the commit.
    @Test(arguments: ["[modules.mod_mam.pm]", "[modules.mod_offline]"])
    @LoopActor func nothingIsAcknowledgedBeforeItIsStored(modules: String) async throws {
        let stage = try await stage(modules)
        for user in ["romeo", "juliet"] { try await stage.account(user) }
        let address = JID.prepared("juliet@\(Stage.domain)")
        _ = try await say(0..<1, from: "romeo", to: address, in: stage)
        let romeo = try await stage.bound("romeo", "r")
        tell(romeo, "enable", ["resume": "false"])
        stage.database.trouble.holdWrites()
        try romeo.say("<message to='\(address)' type='chat' id='1'><body>1</body></message>")
        tell(romeo, "r")
        await stage.database.trouble.waitForHeldWrite()
        #expect(acknowledged(romeo) == 0)
        stage.database.trouble.releaseWrites()
        _ = try #require(await romeo.hears { $0.is("a", Self.sm) && $0["h"] == "1" })
        #expect(try await found("juliet", in: stage).isSuperset(of: ["0", "1"]))
    }
}
