import Network
import SharedState
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules
@testable import Storage

@Suite(.timeLimit(.minutes(5))) struct OfflineMessagesTests {
    init() { StageLoop.start() }

    private static let state = Element("composing", "http://jabber.org/protocol/chatstates")
    private static let body = Element("body", Namespace.client, text: "hi")
    private static func hint(_ name: String) -> Element { Element(name, "urn:xmpp:hints") }
    private static func message(_ type: String?, _ children: Element...) -> Element {
        Element("message", Namespace.client, ["type": type], children)
    }

    static let rows: [(message: Element, verdict: OfflineRules.Verdict)] = [
        (message("chat", body), .store),
        (message(nil, body), .store),
        (message("normal", Element("subject", Namespace.client, text: "s")), .store),
        (message("chat", body, state), .store),
        (message("chat", state), .ignore),
        (message("chat", state, Element("thread", Namespace.client, text: "t")), .ignore),
        (message("chat"), .ignore),
        (message("chat", Element("received", "urn:xmpp:receipts", ["id": "1"])), .store),
        (message("chat", Element("encrypted", "eu.siacs.conversations.axolotl"), hint("store")), .store),
        (message("chat", state, hint("store")), .store),
        (message("chat", body, hint("no-store")), .refuse),
        (message("chat", hint("store"), body, hint("no-store")), .refuse),
        (message("chat", body, hint("no-permanent-store")), .store),
        (message("headline", body), .ignore),
        (message("error", body), .ignore),
        (message("groupchat", body), .store),
    ]

    @Test(arguments: rows.indices) func rule(_ index: Int) {
        #expect(OfflineRules.verdict(Self.rows[index].message) == Self.rows[index].verdict, "\(Self.rows[index].message)")
    }

    /// Numbers of storing, and times of coming; what is handed out in which order, and what is done with after each.
    @Test(
        arguments: [
            ([(1, 100), (2, 200), (3, 300)], [(1, 1), (2, 2), (3, 3)]),
            ([(5, 200), (6, 100), (9, 300)], [(6, 4), (5, 8), (9, 9)]),
            ([(5, 300), (6, 200), (7, 100)], [(7, 4), (6, 4), (5, 7)]),
            ([(5, 100), (6, 100)], [(5, 5), (6, 6)]),
            ([(5, 150), (6, 100), (7, 99)], [(5, 5), (6, 6), (7, 7)]),
            ([], []),
        ] as [([(Int64, Int64)], [(Int64, Int64)])])
    func aPageIsHandedOutAsItCame(_ stored: [(Int64, Int64)], _ handedOut: [(Int64, Int64)]) {
        let page = stored.map { OfflineRepository.Header(sequence: $0, receivedAt: $1, size: 0) }
        let order = OfflineOrdering.inOrder(page)
        #expect(order.map(\.message.sequence) == handedOut.map(\.0))
        #expect(order.map(\.upTo) == handedOut.map(\.1))
    }

    @Test func whenAMessageFirstCame() {
        func received(_ delays: (String, String)...) -> Int64? {
            let delays = delays.map { Element("delay", Namespace.delay, ["from": $0, "stamp": $1]) }
            let message = Element("message", Namespace.client, [:], delays)
            return OfflineRules.firstReceived(message, by: "example.org", now: 86_400_000)
        }
        #expect(received() == nil && received(("romeo@example.org", "1970-01-01T00:00:01Z")) == nil)
        #expect(received(("x", "1970-01-01T00:00:01Z"), ("example.org", "1970-01-01T00:00:02.003Z")) == 2_003)
        #expect(received(("example.org", "soon")) == nil)
        #expect(received(("example.org", "2970-01-01T00:00:00Z")) == 86_400_000, "not in the future")
    }

    /// What two workers have left is stored by others in whatever order.
    @Test(arguments: [false, true]) @LoopActor func whatIsStoredLateComesWhereItBelongs(counts: Bool) async throws {
        let stage = try await stage("[modules.mod_stream_management]", StreamManagement.self)
        try await stage.account("juliet")
        let server = stage.workers[0]
        for (text, age) in [("2", Int64(2_000)), ("3", 1_000), ("1", 3_000)] {
            let message = Stanza(
                .message, from: JID("romeo@\(Stage.domain)/r"), to: JID("juliet@\(Stage.domain)"),
                element: Element(
                    "message", Namespace.client, ["type": "chat", "id": text], [Element("body", Namespace.client, text: text)]))
            let left = UndeliveredStanza(bytes: message.rendered(), sentAt: Loop.now - age, ackHold: nil)
            server.redeliver([left], on: stage.host())
            await StageTime.until { server.isIdle }
        }
        let juliet = try await stage.client("juliet")
        if counts {
            juliet.session.host.handleExtension(
                Element("enable", StreamManagementXML.namespace, ["resume": "true"]), from: juliet.session)
        }
        try juliet.say("<presence/>")
        _ = try #require(await juliet.hears { $0.child("body")?.text == "3" })
        try await juliet.settle()
        #expect(bodies(juliet) == ["1", "2", "3"])
        let key = UserKey(user: "juliet", domain: Stage.domain)
        guard let streamManagement = juliet.session.streamManagement else { return }
        let rows = try await stage.store.offline.page(key, limit: 9, now: 0).map(\.sequence)
        let numbers = streamManagement.waiting.waiting.map(\.receipt).filter { $0 != 0 }
        #expect(numbers == [rows[0] - 1, rows[1] - 1, rows[2]], "nothing is deleted that has not been acknowledged")
        try streamManagement.acknowledge(streamManagement.waiting.sent, juliet.session)
        try await StageTime.until { try await stage.store.offline.count(key) == 0 }
    }

    /// A message that no worker could be given has not been stamped on its way.
    @Test @LoopActor func whatIsRedeliveredAtOnceIsStampedWhenItIsStored() async throws {
        let stage = try await stage()
        try await stage.account("juliet")
        let message = Stanza(
            .message, from: JID("romeo@\(Stage.domain)/r"), to: JID("juliet@\(Stage.domain)"),
            element: Element("message", Namespace.client, ["type": "chat"], [Self.body]))
        stage.workers[0].redeliver(message)
        await StageTime.until { stage.workers[0].isIdle }
        let juliet = try await stage.client("juliet")
        try juliet.say("<presence/>")
        let heard = try #require(await juliet.hears { $0.isNamed("message") })
        #expect(heard.child("delay", Namespace.delay)?["from"] == Stage.domain)
    }

    @Test func lifetimes() {
        func lifetime(_ seconds: String) -> Int64? {
            OfflineRules.lifetime(Self.message(nil, Element("x", "jabber:x:expire", ["seconds": seconds])))
        }
        #expect(lifetime("60") == 60_000)
        #expect(lifetime("0") == nil && lifetime("-1") == nil && lifetime("soon") == nil && lifetime("99999999999999") == nil)
        #expect(OfflineRules.lifetime(Self.message(nil)) == nil)
    }

    private func stage(_ more: String = "", _ others: any Module.Type...) async throws -> Stage {
        try await Stage("[modules.mod_offline]\n\(more)", [Presence.self, OfflineMessages.self] + others)
    }

    @LoopActor private func bodies(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text }
    }

    /// A session that is told several times at once that something waits for it gets it once.
    @Test @LoopActor func whatWaitsIsHandedOutOnce() async throws {
        let stage = try await stage()
        let romeo = try await stage.client("romeo")
        try romeo.say("<presence/>")
        try await romeo.settle()
        let key = UserKey(user: "romeo", domain: Stage.domain)
        for number in 1...5 {
            let message = "<message xmlns='jabber:client' to='romeo@\(Stage.domain)'><body>\(number)</body></message>"
            _ = try await stage.store.offline.store(key, .init(Array(message.utf8), receivedAt: 0), now: 0, limit: nil)
        }
        // They are still there, but sent, when the session is told again.
        stage.database.trouble.holdWrites()
        for _ in 1...5 { OfflineMessages.wake(romeo.jid.bare, on: stage.host()) }
        await stage.database.trouble.waitForHeldWrite()
        for _ in 1...5 { OfflineMessages.wake(romeo.jid.bare, on: stage.host()) }
        try await romeo.settle()
        stage.database.trouble.releaseWrites()
        try await StageTime.until { try await stage.store.offline.page(key, after: 0, limit: 9, now: 0).isEmpty }
        try await romeo.settle()
        #expect(bodies(romeo) == (1...5).map { "\($0)" })
    }

    /// The first message is still being stored when the user appears; the second one needs no storing any more.
    @Test(arguments: [0, 1]) @LoopActor func whatIsStoredWhileItsUserAppearsComesFirst(on worker: Int) async throws {
        let stage = try await stage()
        for user in ["romeo", "juliet"] { try await stage.account(user) }
        let romeo = try await stage.bound("romeo", "r")
        stage.database.trouble.holdWrites()
        for text in ["1", "2"] { try romeo.say("<message to='juliet@\(Stage.domain)' type='chat'><body>\(text)</body></message>") }
        await stage.database.trouble.waitForHeldWrite()
        let juliet = try await stage.bound("juliet", "r", on: worker)
        try juliet.say("<presence/>")
        try await juliet.settle()
        #expect(bodies(juliet) == [])
        stage.database.trouble.releaseWrites()
        _ = try #require(await juliet.hears { $0.isNamed("message") && $0.child("body")?.text == "2" })
        #expect(bodies(juliet) == ["1", "2"])
    }

    @Test @LoopActor func keptAndHandedOutInOrder() async throws {
        let stage = try await stage()
        try await stage.account("bob")
        let alice = try await stage.client("alice")
        for number in 1...120 {
            try alice.say("<message to='bob@example.org' id='\(number)' type='chat'><body>\(number)</body></message>")
        }
        try alice.say("<message to='bob@example.org' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>")
        // Room for a hundred; the others come back.
        _ = await alice.hears { $0["id"] == "120" }
        try await alice.settle()
        let refused = alice.heard.filter { $0.isNamed("message") }
        #expect(refused.count == 20)
        #expect(refused.allSatisfy { $0.errorCondition == "service-unavailable" && $0["from"] == "bob@example.org" })

        let bob = try await stage.client("bob", on: 1)
        try bob.say("<presence><priority>-1</priority></presence>")
        try await bob.settle()
        #expect(bodies(bob).isEmpty, "a negative priority takes no messages")
        try bob.say("<presence/>")
        try await bob.settle()
        #expect(bodies(bob) == (1...100).map { "\($0)" })
        let first = try #require(bob.heard.first { $0.isNamed("message") })
        #expect(first["to"] == "bob@example.org" && first["from"] == "\(alice.jid)" && first["type"] == "chat")
        let delay = try #require(first.child("delay", "urn:xmpp:delay"))
        #expect(delay["from"] == "example.org")
        let stamp = try #require(delay["stamp"].flatMap(DateTime.microseconds))
        #expect((ClockText.milliseconds - 600_000...ClockText.milliseconds).contains(stamp / 1000))
        #expect(try await stage.store.offline.count(UserKey(user: "bob", domain: Stage.domain)) == 0)
        try bob.say("<presence type='unavailable'/>")
        try bob.say("<presence/>")
        try await bob.settle()
        #expect(bodies(bob).count == 100, "nothing comes twice")
    }

    @Test @LoopActor func limitsByAccessRule() async throws {
        let stage = try await self.stage("[[access.max_user_offline_messages]]\nacl = 'all'\nvalue = 2")
        try await stage.account("bob")
        let alice = try await stage.client("alice")
        for number in 1...3 { try alice.say("<message to='bob@example.org' id='\(number)'><body>x</body></message>") }
        let answer = await alice.hears { $0.isNamed("message") }
        #expect(answer?["id"] == "3" && answer?.errorCondition == "service-unavailable")
    }

    @Test @LoopActor func refusedOnes() async throws {
        let stage = try await stage()
        try await stage.account("bob")
        let alice = try await stage.client("alice")
        try alice.say("<message to='bob@example.org' id='1'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>")
        try alice.say("<message to='nobody@example.org' id='2'><body>x</body></message>")
        for id in ["1", "2"] { #expect(await alice.hears { $0["id"] == id }?.errorCondition == "service-unavailable") }
        #expect(try await stage.store.offline.count(UserKey(user: "nobody", domain: Stage.domain)) == 0)
    }

    /// Sessions that become available at the same time on two workers and on one.
    @LoopActor private func takesOffline(_ user: JID, _ stage: Stage) -> Bool {
        stage.workers[0].sessions(of: user).contains { $0.flags.contains(.takesOffline) }
    }

    @Test @LoopActor func onlyOneSessionGetsThem() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        for round in 0..<6 {
            let user = "bob\(round)"
            try await stage.account(user)
            for number in 1...60 { try alice.say("<message to='\(user)@example.org'><body>\(number)</body></message>") }
            try await alice.settle()
            var clients: [StageClient] = []
            for (index, worker) in [1, 0, 1].enumerated() { clients.append(try await stage.client(user, "r\(index)", on: worker)) }
            for client in round % 2 == 0 ? clients : clients.reversed() { try client.say("<presence/>") }
            for client in clients { try await client.settle() }
            #expect(clients.flatMap(bodies).count == 60)
            #expect(clients.map { bodies($0).count }.sorted() == [0, 0, 60])
            // The turn is given back when what was handed out is forgotten in storage.
            await StageTime.until { !takesOffline(clients[0].jid.bare, stage) }
            #expect(!takesOffline(clients[0].jid.bare, stage))
        }
    }

    @Test @LoopActor func liveMessagesComeAfterOlderOnes() async throws {
        let stage = try await stage()
        try await stage.account("bob")
        let alice = try await stage.client("alice")
        for number in 1...70 { try alice.say("<message to='bob@example.org'><body>\(number)</body></message>") }
        try await alice.settle()
        let bob = try await stage.client("bob")
        try bob.say("<presence/>")
        var number = 70
        while !bodies(bob).contains("70") || number < 100 {
            number += 1
            try alice.say("<message to='bob@example.org'><body>\(number)</body></message>")
            try await alice.settle()
        }
        try await bob.settle()
        #expect(bodies(bob) == (1...number).map { "\($0)" })
        #expect(bob.session.filters.isEmpty)
    }

    @Test @LoopActor func groupchatOnlyIfTheOperatorWantsIt() async throws {
        for (option, count) in [("", 0), ("store_groupchat_messages = true", 1)] {
            let stage = try await stage(option)
            try await stage.account("bob")
            let alice = try await stage.client("alice")
            try alice.say("<message to='bob@example.org/gone' type='groupchat'><body>x</body></message>")
            try await alice.settle()
            #expect(try await stage.store.offline.count(UserKey(user: "bob", domain: Stage.domain)) == count)
            #expect(alice.heard.contains { $0.isNamed("message") } == (count == 0))
        }
    }
}
