import Testing

@testable import Configuration

@Suite("The options of a module in its own type", .timeLimit(.minutes(1)))
struct ModuleOptionTests {
    private func options<Options: ModuleOptionSet>(_ module: String, _ text: String = "") throws -> Options {
        let configuration = try loaded(least + "[modules.\(module)]\n" + text).configuration
        return try #require(configuration.host("localhost").modules[module]).options()
    }

    private struct Ping: ModuleOptionSet {
        var sends = false
        var interval = Duration.seconds(60)
        var action = Action.none
        enum Action: String, OptionChoice { case none, kill }
        static let keys: [ModuleOption<Self>] = [
            .init("send_pings", \.sends), .init("ping_interval", \.interval), .init("timeout_action", \.action),
        ]
    }

    @Test("booleans, times in their unit, and words") func plainValues() throws {
        let usual: Ping = try options("mod_ping")
        #expect(!usual.sends && usual.interval == .seconds(60) && usual.action == .none)
        let given: Ping = try options("mod_ping", "send_pings = true\nping_interval = 7\ntimeout_action = \"kill\"")
        #expect(given.sends && given.interval == .seconds(7) && given.action == .kill)
        #expect(Ping.keys.flatMap { $0.misfits("modules.mod_ping") }.isEmpty)
    }

    private struct States: ModuleOptionSet {
        var most: Int? = 20
        static let keys: [ModuleOption<Self>] = [.init("buffer_max", \.most)]
    }

    @Test("\"infinity\" is nil") func infinity() throws {
        let endless: States = try options("mod_csi", "buffer_max = \"infinity\"")
        #expect(endless.most == nil)
        let usual: States = try options("mod_csi")
        #expect(usual.most == 20)
    }

    private struct Streams: ModuleOptionSet {
        var isOn = false
        var kept = Duration.seconds(3600)
        static let keys: [ModuleOption<Self>] = [.init("stale_h.enabled", \.isOn), .init("stale_h.geriatric", \.kept)]
    }

    @Test("dots lead into inner tables") func innerTables() throws {
        let given: Streams = try options("mod_stream_management", "stale_h.enabled = true")
        #expect(given.isOn && given.kept == .seconds(3600))
    }

    private struct Networks: ModuleOptionSet {
        var networks: [Network] = []
        static let keys: [ModuleOption<Self>] = [.init(tables: "ip_access", \.networks)]
        struct Network: ModuleOptionSet {
            var address = ""
            static let keys: [ModuleOption<Self>] = [.init("address", \.address)]
        }
    }

    @Test("arrays of tables have types of their own") func arrays() throws {
        let given: Networks = try options(
            "mod_register",
            "ip_access = [{ address = \"10.0.0.0/8\", policy = \"deny\" }, { address = \"::1\", policy = \"allow\" }]")
        #expect(given.networks.map(\.address) == ["10.0.0.0/8", "::1"])
        #expect(Networks.keys.flatMap(\.paths) == ["ip_access", "ip_access[].address"])
    }

    private struct Archive: ModuleOptionSet {
        var hasUsers = false
        var most = 50
        var store = OptionalStore.none
        static let keys: [ModuleOption<Self>] = [
            .init("max_result_limit", \.most), .init("user_prefs_store", \.store), .init(table: "pm", \.hasUsers),
            .init("pm.max_result_limit", over: \.most), .init("pm.user_prefs_store", over: \.store),
        ]
    }

    @Test("a key of an inner table comes before the common one, where it is set") func overridden() throws {
        let common: Archive = try options("mod_mam", "max_result_limit = 7\nuser_prefs_store = \"rdbms\"\npm = {}")
        #expect(common.hasUsers && common.most == 7 && common.store == .database)
        let own: Archive = try options(
            "mod_mam", "max_result_limit = 7\nuser_prefs_store = true\npm = { max_result_limit = 9, user_prefs_store = false }")
        #expect(own.most == 9 && own.store == .none)
        let none: Archive = try options("mod_mam")
        #expect(!none.hasUsers && none.most == 50 && none.store == .none)
        #expect(Archive.keys.flatMap { $0.misfits("modules.mod_mam") }.isEmpty)
    }

    private struct Card: ModuleOptionSet {
        var host = ""
        static let keys: [ModuleOption<Self>] = [.init("host", \.host)]
    }

    @Test("@HOST@ is filled in") func hostPattern() throws {
        let card: Card = try options("mod_vcard")
        #expect(card.host == "vjud.localhost")
    }

    private struct Wrong: ModuleOptionSet {
        var sends = 0
        var interval = Duration.seconds(61)
        var seconds = 60
        var action = "none"
        var pings = false
        static let keys: [ModuleOption<Self>] = [
            .init("send_pings", \.sends), .init("ping_interval", \.interval), .init("ping_req_timeout", \.seconds),
            .init("timeout_action", \.action), .init("send_ping", \.pings), .init(table: "pm", \.pings),
        ]
    }

    @Test("unknown keys, other types and other defaults than the row's are found") func misfits() {
        let found = Wrong.keys.map { $0.misfits("modules.mod_ping").count }
        #expect(found == [1, 1, 1, 1, 1, 1])
    }
}
