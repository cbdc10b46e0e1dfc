import Authentication
import Configuration
import Kernel
import Network
import SASL
import SharedState
import Storage
import Testing
import XML
import XMPP

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct RegistrationTests {
    init() { StageLoop.start() }

    // MARK: Rules

    @Test func firstMatchOfNetworksDecides() throws {
        let networks = [
            ("10.1.0.0/16", true), ("10.0.0.0/8", false), ("2001:db8::/32", false), ("::1", true), ("192.0.2.7", false),
        ]
        let rules = RegistrationRules(networks: try networks.map { (try #require(IPNetwork($0.0)), $0.1) })
        let rows = [
            ("10.1.2.3", true), ("10.2.2.3", false), ("11.0.0.1", true), ("2001:db8:1::2", false), ("2001:db9::1", true),
            ("::1", true), ("192.0.2.7", false), ("192.0.2.8", true), ("::ffff:10.2.0.1", false), ("::ffff:10.1.0.1", true),
            ("", true),
        ]
        for (address, isAllowed) in rows { #expect(rules.allows(address: address) == isAllowed, "\(address)") }
        #expect(RegistrationRules().allows(address: "10.0.0.1"))
    }

    @Test func entropy() {
        let rows: [(String, Double)] = [
            ("", 0), ("aaaa", 4 * 4.700439718141092), ("12", 2 * 3.169925001442312), ("aB", 2 * 5.700439718141092),
            ("a1!", 3 * 6.087462841250339), ("é", 2 * 7), ("a b", 3 * 7.266786540694901),
        ]
        for (password, bits) in rows { #expect(abs(RegistrationRules.entropy(password) - bits) < 1e-6, "\(password)") }
    }

    @Test func passwords() throws {
        #expect(try RegistrationRules().accepted("a").bytes == Array("a".utf8))
        #expect(try RegistrationRules(passwordStrength: 32).accepted("correct horse").bytes.count == 13)
        #expect(throws: StanzaError(.notAcceptable, text: "The password is too weak")) {
            try RegistrationRules(passwordStrength: 32).accepted("secret")
        }
        #expect(throws: StanzaError.self) { try RegistrationRules().accepted("a\u{7}b") }
    }

    @Test func forms() {
        func query(_ children: Element...) -> Element { Element("query", Namespace.register, [:], children) }
        func plain(_ name: String, _ text: String = "") -> Element { Element(name, Namespace.register, text: text) }
        func form(_ type: String, _ fields: KeyValuePairs<String, String>) -> Element {
            Element(
                "x", "jabber:x:data", ["type": type],
                fields.map { name, value in
                    Element("field", "jabber:x:data", ["var": name], [Element("value", "jabber:x:data", text: value)])
                })
        }
        func read(_ query: Element) -> String {
            let form = RegistrationForm(query)
            return
                "\(form.username ?? "-") \(form.password ?? "-")\(form.isRemoval ? form.isRemovalAlone ? " remove" : " bad" : "")"
        }
        #expect(read(query(plain("username", "bill"), plain("password", "p"), plain("email", "e"))) == "bill p")
        #expect(read(query(plain("username", "bill"), plain("password"))) == "bill -")
        #expect(read(query()) == "- -")
        #expect(read(query(plain("remove"))) == "- - remove")
        #expect(read(query(plain("remove"), plain("username", "bill"))) == "bill - bad")
        let submitted = form("submit", ["FORM_TYPE": "jabber:iq:register", "username": "bill", "password": "p"])
        #expect(read(query(submitted)) == "bill p")
        #expect(read(query(plain("username", "other"), submitted)) == "bill p")
        #expect(read(query(form("submit", ["FORM_TYPE": "jabber:iq:search", "username": "bill"]))) == "- -")
        #expect(read(query(form("cancel", ["FORM_TYPE": "jabber:iq:register", "username": "bill"]))) == "- -")
    }

    // MARK: Before authentication

    private func stage(_ options: String = "", _ more: String = "") async throws -> Stage {
        try await Stage(
            "[modules.mod_register]\n\(options)\n[modules.mod_offline]\n[modules.mod_roster]\n\(more)",
            [Presence.self, Roster.self, OfflineMessages.self, Registration.self])
    }

    @LoopActor
    private func ask(_ stage: Stage, _ type: String, from address: String = "127.0.0.1", _ children: KeyValuePairs<String, String>)
        async throws -> Element
    {
        let query = Element("query", Namespace.register, [:], children.map { Element($0.key, Namespace.register, text: $0.value) })
        let host = stage.host()
        let request = Stanza(.iq, type: type, id: "r", from: nil, to: host.jid, [query])
        let answer = try #require(host.beforeAuthentication)
        let reply = await answer(request, address)
        #expect(reply.id == "r" && reply.from == host.jid && reply.to == nil)
        return reply.element
    }

    @Test @LoopActor func registering() async throws {
        let stage = try await stage(
            "welcome_message = { subject = 'Hello', body = 'Be welcome' }\nregistration_watchers = ['root@example.org']")
        let root = try await stage.client("root", on: 1)
        try root.say("<presence/>")
        try await root.settle()
        let fields = try await ask(stage, "get", [:])
        #expect(fields.firstChild?.children.map(\.name) == ["instructions", "username", "password"])
        let answer = try await ask(stage, "set", ["username": "Bill", "password": "Calliope", "email": "x", "name": "y"])
        #expect(answer["type"] == "result" && answer.firstChild == nil)
        #expect(await stage.host().accounts.verify("bill", Password(prepared: "Calliope"), allowed: nil).verdict == .accepted)
        #expect(
            await root.hears { $0.isNamed("message") }?.child("body")?.text
                == "The account bill@example.org was registered from 127.0.0.1")
        var waiting: [OfflineRepository.Message] = []
        while waiting.isEmpty {
            waiting = try await stage.store.offline.page(UserKey(user: "bill", domain: Stage.domain), limit: 9, now: 0)
        }
        let welcome = String(decoding: waiting[0].stanza, as: UTF8.self)
        #expect(welcome.contains("<subject>Hello</subject><body>Be welcome</body>") && welcome.contains("from='example.org'"))

        let second = try await ask(stage, "set", ["username": "bill", "password": "x"])
        #expect(second.errorCondition == "conflict")
        #expect(second.child("query", Namespace.register) == nil, "a password does not come back")
    }

    @Test @LoopActor func refusals() async throws {
        let stage = try await stage(
            """
            password_strength = 20
            access = 'register'
            ip_access = [{ address = '127.0.0.0/8', policy = 'allow' }, { address = '0.0.0.0/0', policy = 'deny' }]
            """,
            "[[acl.reserved]]\nuser = 'admin'\n[[access.register]]\nacl = 'reserved'\nvalue = 'deny'\n[[access.register]]\nacl = 'all'\nvalue = 'allow'"
        )
        func condition(_ username: String, _ password: String, from address: String = "127.0.0.1") async throws -> String? {
            try await ask(stage, "set", from: address, ["username": username, "password": password]).errorCondition
        }
        #expect(try await condition("bill", "") == "not-acceptable")
        #expect(try await condition("", "Calliope") == "not-acceptable")
        #expect(try await condition("b@d", "Calliope") == "not-acceptable")
        #expect(try await condition("bill", "aaa") == "not-acceptable")
        #expect(try await condition("admin", "Calliope") == "forbidden")
        #expect(try await condition("bill", "Calliope", from: "192.0.2.1") == "forbidden")
        #expect(try await ask(stage, "set", ["remove": ""]).errorCondition == "unexpected-request")
        #expect(try await ask(stage, "result", [:]).errorCondition == "bad-request")
        #expect(try await condition("bill", "Calliope") == nil)
    }

    @Test @LoopActor func notTooOften() async throws {
        let stage = try await stage()
        var claims: [String] = []
        stage.workers[0].claimRegistration = { address, seconds in
            claims.append("\(address) \(seconds)")
            return claims.count == 1
        }
        #expect(try await ask(stage, "set", ["username": "a", "password": ""]).errorCondition == "not-acceptable")
        #expect(try await ask(stage, "set", ["username": "a", "password": "p"])["type"] == "result")
        let second = try await ask(stage, "set", ["username": "b", "password": "p"])
        #expect(second.errorCondition == "resource-constraint" && second.child("error")?["type"] == "wait")
        #expect(claims == ["127.0.0.1 600", "127.0.0.1 600"])
    }

    // MARK: With an account

    private func request(_ children: String) -> String { "<query xmlns='jabber:iq:register'>\(children)</query>" }

    @Test @LoopActor func changingThePassword() async throws {
        let stage = try await stage()
        let bill = try await stage.client("bill", on: 1)
        try await stage.account("eve")
        let known = try await bill.ask("get", to: "example.org", request(""))
        #expect(known.firstChild?.has("registered") == true && known.firstChild?.child("username")?.text == "bill")
        #expect(known.firstChild?.child("password")?.text == "")
        func change(_ username: String, _ password: String, to: String? = nil) async throws -> String? {
            let answer = try await bill.ask(
                "set", to: to, request("<username>\(username)</username><password>\(password)</password>"))
            #expect(!answer.has("query", Namespace.register), "a password comes back")
            return answer.errorCondition
        }
        #expect(try await change("bill", "", to: "example.org") == "bad-request")
        #expect(try await change("eve", "mine") == "not-allowed")
        #expect(try await change("bill", "mine", to: "eve@example.org") == "service-unavailable")
        let accounts = stage.host().accounts
        #expect(await accounts.verify("bill", Password(prepared: "secret"), allowed: nil).verdict == .accepted)
        for (to, password) in [("example.org", "one"), ("bill@example.org", "two"), (nil, "three")] {
            #expect(try await change("Bill", password, to: to) == nil)
            #expect(await accounts.verify("bill", Password(prepared: password), allowed: nil).verdict == .accepted)
        }
        #expect(await accounts.verify("eve", Password(prepared: "secret"), allowed: nil).verdict == .accepted)
    }

    @Test @LoopActor func removal() async throws {
        let stage = try await stage()
        let bill = try await stage.client("bill", "a", on: 1)
        let other = try await stage.client("bill", "b")
        let friend = try await stage.client("friend")
        try await stage.roster(of: "bill", "friend", .both)
        try await stage.roster(of: "friend", "bill", .both)
        for client in [friend, bill] {
            _ = try await client.ask("get", "<query xmlns='jabber:iq:roster'/>")
            try client.say("<presence/>")
            try await client.settle()
        }
        #expect(try await bill.ask("set", request("<remove/><username>bill</username>")).errorCondition == "bad-request")
        #expect(try await bill.ask("set", to: "example.org", request("<remove/>"))["type"] == "result")
        for client in [bill, other] {
            _ = await client.hears { $0.isNamed("error") }
            #expect(client.error?.condition == .notAuthorized)
        }
        let end = bill.heard.suffix(2).map { "\($0.name) \($0["type"] ?? "")" }
        #expect(end == ["iq result", "error "], "the answer comes before the end")
        #expect(await friend.hears { $0["type"] == "unavailable" && $0["from"] == "\(bill.jid)" } != nil)
        #expect(await friend.hears { $0.firstChild?.firstChild?["subscription"] == "none" } != nil)
        #expect(await stage.host().accounts.exists("bill") == false)
    }
}
