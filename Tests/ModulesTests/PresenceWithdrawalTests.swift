import Kernel
import Network
import Storage
import Testing
import XML
import XMPP

@testable import Modules

/// The order in which a contact learns that it sees somebody no more (RFC 6121 §3.2.2, §2.5.2).
@Suite(.timeLimit(.minutes(5))) struct PresenceWithdrawalTests {
    init() { StageLoop.start() }

    private static let roster = "<query xmlns='jabber:iq:roster'"

    /// Alice with a session on each worker and contacts with one on each, who see each other.
    @LoopActor
    private static func stage(
        _ modules: String = ""
    ) async throws -> (stage: Stage, alice: [StageClient], contacts: [StageClient]) {
        let stage = try await Stage("[modules.mod_roster]\n[modules.mod_register]\n" + modules, Catalog.modules)
        let alice = [try await stage.client("alice", "a"), try await stage.client("alice", "b", on: 1)]
        let contacts = [try await stage.client("bob"), try await stage.client("carol", on: 1)]
        for contact in ["bob", "carol"] {
            try await stage.roster(of: "alice", contact, .both)
            try await stage.roster(of: contact, "alice", .both)
        }
        for client in contacts + alice {
            _ = try await client.ask("get", "\(roster)/>")
            try client.say("<presence/>")
            try await client.settle()
        }
        for contact in contacts {
            for client in alice { _ = await contact.hears { $0.isNamed("presence") && $0["from"] == "\(client.jid)" } }
        }
        return (stage, alice, contacts)
    }

    /// What a contact heard of Alice, without her presence at the beginning.
    @LoopActor
    private static func news(_ contact: StageClient) -> [String] {
        contact.heard.filter { $0.isNamed("presence") && $0["from"]?.hasPrefix("alice@") == true }
            .compactMap { presence in presence["type"].map { "\($0) \(presence["from"] ?? "")" } }
    }

    private static let gone: Set<String> = ["unavailable alice@example.org/a", "unavailable alice@example.org/b"]

    @Test("a cancelled contact hears that all resources are gone, and then why", arguments: [0, 1], [0, 1])
    @LoopActor func cancellation(_ from: Int, _ of: Int) async throws {
        let (stage, alice, contacts) = try await Self.stage()
        let contact = contacts[of]
        try alice[from].say("<presence type='unsubscribed' to='\(contact.jid.bare)'/>")
        _ = await contact.hears { $0["type"] == "unsubscribed" }
        try await contact.settle()
        let news = Self.news(contact)
        #expect(news.count == 3 && Set(news.prefix(2)) == Self.gone && news.last == "unsubscribed alice@example.org", "\(news)")
        _ = stage
    }

    @Test("a contact that is removed from the roster hears it, too", arguments: [0, 1], [0, 1])
    @LoopActor func removal(_ from: Int, _ of: Int) async throws {
        let (stage, alice, contacts) = try await Self.stage()
        let contact = contacts[of]
        _ = try await alice[from].ask("set", "\(Self.roster)><item jid='\(contact.jid.bare)' subscription='remove'/></query>")
        _ = await contact.hears { $0["type"] == "unsubscribed" }
        try await contact.settle()
        let news = Self.news(contact)
        #expect(Set(news.prefix(2)) == Self.gone, "\(news)")
        #expect(news.dropFirst(2) == ["unsubscribe alice@example.org", "unsubscribed alice@example.org"], "\(news)")
        // Neither sees anything of the other from here on.
        let before = alice.map(\.heard.count)
        try contact.say("<presence><status>alone</status></presence>")
        try await contact.settle()
        for client in alice { try await client.settle() }
        for (client, count) in zip(alice, before) {
            #expect(!client.heard[count...].contains { $0.child("status") != nil })
        }
        _ = stage
    }

    @Test("contacts of an account that is removed hear it, too", arguments: [0, 1])
    @LoopActor func accountRemoval(_ from: Int) async throws {
        let (stage, alice, contacts) = try await Self.stage()
        let answer = try await alice[from].ask("set", "<query xmlns='jabber:iq:register'><remove/></query>")
        #expect(answer["type"] == "result")
        for contact in contacts {
            _ = await contact.hears { $0["type"] == "unsubscribed" }
            try await contact.settle()
            let news = Self.news(contact)
            #expect(Set(news.prefix(2)) == Self.gone, "\(news)")
            #expect(news.dropFirst(2) == ["unsubscribe alice@example.org", "unsubscribed alice@example.org"], "\(news)")
        }
        _ = stage
    }

    @Test("who unsubscribes is told that the contact's resources are gone", arguments: [0, 1], [0, 1])
    @LoopActor func unsubscription(_ of: Int, _ by: Int) async throws {
        let (stage, alice, contacts) = try await Self.stage()
        let contact = contacts[by]
        try contact.say("<presence type='unsubscribe' to='alice@example.org'/>")
        _ = await contact.hears { $0["type"] == "unavailable" && $0["from"] == "\(alice[of].jid)" }
        try await contact.settle()
        try alice[of].say("<presence><status>later</status></presence>")
        try await alice[of].settle()
        try await contact.settle()
        #expect(Set(Self.news(contact)) == Self.gone && Self.news(contact).count == 2, "\(Self.news(contact))")
        #expect(!contact.heard.contains { $0.child("status") != nil })
        _ = stage
    }

    @Test("a worker that does not answer delays a cancellation and does not keep it")
    @LoopActor func silentWorker() async throws {
        let (stage, alice, contacts) = try await Self.stage()
        stage.fillMesh()
        try alice[0].say("<presence type='unsubscribed' to='\(contacts[0].jid.bare)'/>")
        #expect(await contacts[0].hears { $0["type"] == "unsubscribed" } != nil)
        #expect(Self.news(contacts[0]) == ["unavailable alice@example.org/a", "unsubscribed alice@example.org"])
    }
}
