import Kernel
import Network
import Storage
import Testing
import XML
import XMPP

@testable import Modules

/// What a stranger learns of an account by asking it (RFC 6121 §8.5.1, §8.5.3).
@Suite(.timeLimit(.minutes(5))) struct AccountProbingTests {
    init() { StageLoop.start() }

    private static let modules = """
        [modules.mod_mam.pm]
        [modules.mod_blocking]
        [modules.mod_carboncopy]
        [modules.mod_disco]
        [modules.mod_last]
        [modules.mod_ping]
        [modules.mod_private]
        [modules.mod_register]
        [modules.mod_roster]
        [modules.mod_time]
        [modules.mod_vcard]
        [modules.mod_version]
        """

    private static let payloads = [
        "<query xmlns='urn:example:unknown'/>", "<x xmlns=''/>", "<ping xmlns='urn:xmpp:ping'/>", "<time xmlns='urn:xmpp:time'/>",
        "<query xmlns='jabber:iq:version'/>", "<query xmlns='jabber:iq:last'/>", "<query xmlns='jabber:iq:roster'/>",
        "<query xmlns='jabber:iq:roster'><item jid='a@b.example'/></query>",
        "<query xmlns='jabber:iq:private'><a xmlns='urn:example:note'/></query>", "<query xmlns='jabber:iq:private'/>",
        "<query xmlns='jabber:iq:register'/>", "<query xmlns='jabber:iq:register'><remove/></query>",
        "<query xmlns='jabber:iq:auth'/>", "<query xmlns='jabber:iq:privacy'/>", "<query xmlns='urn:xmpp:mam:2'/>",
        "<query xmlns='urn:xmpp:mam:1'/>", "<metadata xmlns='urn:xmpp:mam:2'/>", "<prefs xmlns='urn:xmpp:mam:2'/>",
        "<prefs xmlns='urn:xmpp:mam:2' default='never'/>", "<blocklist xmlns='urn:xmpp:blocking'/>",
        "<block xmlns='urn:xmpp:blocking'><item jid='a@b.example'/></block>", "<unblock xmlns='urn:xmpp:blocking'/>",
        "<enable xmlns='urn:xmpp:carbons:2'/>", "<disable xmlns='urn:xmpp:carbons:2'/>", "<vCard xmlns='vcard-temp'/>",
        "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>", "<pubsub xmlns='http://jabber.org/protocol/pubsub'/>",
        "<query xmlns='http://jabber.org/protocol/disco#info'/>", "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>",
        "<query xmlns='http://jabber.org/protocol/disco#items'/>",
        "<query xmlns='http://jabber.org/protocol/disco#items' node='n'/>",
        "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
    ]

    /// What comes back, as bytes, in which only the account's name and the id stand for themselves.
    @LoopActor
    private static func answer(
        to stanza: String, for account: String, from asker: StageClient
    ) async throws -> String {
        let before = asker.heard.count
        try asker.say(stanza.replacing("ACCOUNT", with: account))
        try await asker.settle()
        return asker.heard[before...].filter { $0["id"]?.hasPrefix("settle") != true }
            .map { String(decoding: $0.rendered(within: Namespace.client), as: UTF8.self) }
            .joined(separator: "\n").replacing(account, with: "ACCOUNT")
    }

    /// An account that is not there, one whose user is away, one whose user is there.
    @LoopActor
    private static func stage() async throws -> (stage: Stage, asker: StageClient, others: [StageClient]) {
        let stage = try await Stage(modules, Catalog.modules)
        let asker = try await stage.client("asker")
        try await stage.account("away")
        let there = try await stage.client("there", on: 1)
        try there.say("<presence/>")
        try await there.settle()
        _ = try await there.ask("get", "<blocklist xmlns='urn:xmpp:blocking'/>")
        return (stage, asker, [there])
    }

    @Test("a request to an account that does not exist is answered as one to an account that is closed to the asker")
    @LoopActor func requests() async throws {
        let (stage, asker, others) = try await Self.stage()
        for resource in ["", "/nowhere"] {
            for type in ["get", "set"] {
                for payload in Self.payloads {
                    let request = "<iq type='\(type)' id='1' to='ACCOUNT@example.org\(resource)'>\(payload)</iq>"
                    let missing = try await Self.answer(to: request, for: "missing", from: asker)
                    for account in ["away", "there"] {
                        #expect(
                            try await Self.answer(to: request, for: account, from: asker) == missing, "\(request) to \(account)")
                    }
                    // An empty list is as little as an error, and what disco#items asks for where nothing may be told.
                    if !payload.contains("disco#items") || type == "set" || !resource.isEmpty {
                        #expect(missing.contains("<error type='cancel'><service-unavailable "), "\(request): \(missing)")
                    }
                }
            }
        }
        #expect(others.allSatisfy { client in !client.heard.contains { $0["from"]?.hasPrefix("asker@") == true } })
        _ = stage
    }

    @Test("messages and presence that reach nobody tell no more, but for what is kept for a user")
    @LoopActor func messagesAndPresence() async throws {
        let (stage, asker, _) = try await Self.stage()
        for type in ["", "probe", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "unavailable"] {
            let presence = "<presence id='1'\(type.isEmpty ? "" : " type='\(type)'") to='ACCOUNT@example.org'/>"
            let missing = try await Self.answer(to: presence, for: "missing", from: asker)
            for account in ["away", "there"] {
                #expect(try await Self.answer(to: presence, for: account, from: asker) == missing, "\(presence) to \(account)")
            }
        }
        // The archive keeps what has a body; nothing keeps these.
        for type in ["normal", "chat", "groupchat", "headline", "error"] {
            for resource in ["", "/nowhere"] {
                let message =
                    "<message id='1' type='\(type)' to='ACCOUNT@example.org\(resource)'><x xmlns='urn:example:x'/></message>"
                let missing = try await Self.answer(to: message, for: "missing", from: asker)
                #expect(try await Self.answer(to: message, for: "away", from: asker) == missing, "\(message)")
            }
        }
        _ = stage
    }

    @Test("contacts are answered, and everybody where the answer is public")
    @LoopActor func whoIsAnswered() async throws {
        let (stage, asker, others) = try await Self.stage()
        _ = try await others[0].ask("set", "<vCard xmlns='vcard-temp'><FN>There</FN></vCard>")
        let card = try await asker.ask("get", to: "there@example.org", "<vCard xmlns='vcard-temp'/>")
        #expect(card.firstChild?.child("FN")?.text == "There")
        let info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
        #expect(try await asker.ask("get", to: "there@example.org", info).errorCondition == "service-unavailable")
        try await stage.roster(of: "there", "asker", .from)
        #expect(try await asker.ask("get", to: "there@example.org", info)["type"] == "result")
        let node = "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>"
        #expect(try await asker.ask("get", to: "there@example.org", node).errorCondition == "item-not-found")
        let last = try await asker.ask("get", to: "there@example.org", "<query xmlns='jabber:iq:last'/>")
        #expect(last.firstChild?["seconds"] == "0")
        #expect(
            try await asker.ask("get", to: "there@example.org", "<query xmlns='jabber:iq:roster'/>").errorCondition
                == "service-unavailable")
    }
}
