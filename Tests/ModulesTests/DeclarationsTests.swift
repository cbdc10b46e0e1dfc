import Configuration
import Network
import Testing
import XML

@testable import Kernel
@testable import Modules

@Suite("What modules declare", .timeLimit(.minutes(1)))
struct DeclarationsTests {
    init() { StageLoop.start() }

    private static let everything = Catalog.modules.map { "[modules.\($0.name)]" }.joined(separator: "\n")

    @Test("a changed option concerns its module alone") @LoopActor
    func changedOptionConcernsItsModule() async throws {
        let stage = try await Stage(Self.everything, Catalog.modules)
        let host = stage.host()
        let before = identities(host)
        let other = Self.everything.replacing("[modules.mod_ping]", with: "[modules.mod_ping]\nping_interval = 77")
        _ = stage.workers[0].apply(try Stage.configuration(other), workers: 2)
        let after = identities(host)
        #expect(before.keys.filter { before[$0] != after[$0] } == ["mod_ping"])
        #expect(before.keys == after.keys)
    }

    @Test("a module that is removed takes its declarations along, and the others keep theirs") @LoopActor
    func removedModuleTakesItsDeclarations() async throws {
        let stage = try await Stage(Self.everything, Catalog.modules)
        let host = stage.host()
        #expect(host.features.server.contains("urn:xmpp:ping"))
        let handler = try #require(host.iq.handler(for: Element("time", "urn:xmpp:time"), at: .server))
        let fewer = Self.everything.replacing("[modules.mod_ping]", with: "").replacing("[modules.mod_csi]", with: "")
        _ = stage.workers[0].apply(try Stage.configuration(fewer), workers: 2)
        #expect(!host.features.server.contains("urn:xmpp:ping"))
        #expect(host.iq.handler(for: Element("ping", "urn:xmpp:ping"), at: .server) == nil)
        #expect(!host.extensionNamespaces.contains("urn:xmpp:csi:0"))
        #expect(!host.features.afterAuthentication.map { $0() }.contains { $0.is("csi", "urn:xmpp:csi:0") })
        if case .immediate = handler {} else { Issue.record("time is answered at once") }
        #expect(host.iq.handler(for: Element("time", "urn:xmpp:time"), at: .server) != nil)
    }

    @Test("no two modules declare the same") @LoopActor
    func nothingIsDeclaredTwice() async throws {
        let stage = try await Stage(Self.everything, Catalog.modules)
        var all = Declarations.ofHost()
        for module in stage.host().modules {
            var own = Declarations()
            module.install(&own, on: stage.host())
            #expect(all.merge(own, of: type(of: module).name).isEmpty, "\(module)")
            for handler in own.unloadHandlers { handler() }
        }
    }

    @Test("what two modules declare is the first one's") @LoopActor
    func firstDeclarationHolds() {
        var (first, second) = (Declarations(), Declarations())
        first.iq.on("query", "urn:example", at: .server) { _ in Element("first", "urn:example") }
        second.iq.onWaiting("query", "urn:example", at: .server) { _ in nil }
        first.onExtension("urn:example") { _, _ in }
        second.onExtension("urn:example") { _, _ in }
        #expect(first.merge(second, of: "mod_second").sorted() == ["query urn:example to the server", "urn:example"])
        if case .immediate = first.iq.handler(for: Element("query", "urn:example"), at: .server) {
        } else {
            Issue.record("the second one holds")
        }
    }

    @Test("what one module declares twice is the first one's, and found, too") @LoopActor
    func declaringTwiceIsFound() {
        var (all, own) = (Declarations(), Declarations())
        own.iq.on("query", "urn:example", at: .server, .account) { _ in nil }
        own.iq.onWaiting("query", "urn:example", at: .account) { _ in nil }
        for _ in 0..<2 {
            own.onEvent("event") { _, _, _ in }
            own.onBroadcast("broadcast") { _ in }
            own.onExtension("urn:nonza") { _, _ in }
            own.migrate("state", encode: { _ in nil }, decode: { _, _ in })
            own.iq.onRendered("query", "urn:rendered", at: .account) { _ in nil }
        }
        let twice = [
            "broadcast", "event", "query urn:example to the account", "query urn:rendered to the account", "state", "urn:nonza",
        ]
        #expect(all.merge(own, of: "mod_own").sorted() == twice)
        if case .waiting = all.iq.handler(for: Element("query", "urn:example"), at: .account) {
            Issue.record("the second one holds")
        }
    }

    @Test("a server whose modules contradict each other does not start") @LoopActor
    func conflictIsNoStart() async throws {
        do {
            _ = try await Stage("[modules.mod_time]\n[modules.mod_sic]", [EntityTime.self, OtherTime.self])
            Issue.record("it has started")
        } catch let conflict as ModuleConflict {
            #expect(conflict.faults.count == 3)
            #expect(conflict.faults.contains("example.org: mod_time declares what there is: time urn:xmpp:time to the server"))
            #expect(conflict.faults.contains { $0.contains("mod_sic comes after mod_nonsense, which is no module") })
        }
    }

    @Test("the order of the catalog says nothing") @LoopActor
    func orderOfTheCatalogSaysNothing() async throws {
        let usual = try await Stage(Self.everything, Catalog.modules)
        for catalog in [Catalog.modules.reversed(), Catalog.modules.shuffled(), Catalog.modules.shuffled()] {
            let other = try await Stage(Self.everything, catalog)
            #expect(order(usual.host()) == order(other.host()))
            let features = [usual, other].map { stage in stage.host().features.afterAuthentication.map { $0().description } }
            #expect(features[0] == features[1])
        }
    }

    @Test("modules have their turn in the order that they ask for") @LoopActor
    func handlersAreOrdered() async throws {
        let all = try await Stage(
            Self.everything.replacing("[modules.mod_mam]", with: "[modules.mod_mam.pm]").replacing(
                "[modules.mod_offline]", with: "[modules.mod_offline]\nstore_groupchat_messages = true"), Catalog.modules)
        let order = order(all.host())
        // Who is blocked learns nothing; what is stored is stored as it is archived.
        #expect(order["incoming"]?.prefix(4) == ["mod_blocking", "mod_carboncopy", "mod_last", "mod_last"])
        #expect(order["incoming"]?.dropFirst(4).prefix(3) == ["mod_mam", "mod_offline", "mod_presence"])
    }

    @LoopActor
    private func order(_ host: Host) -> [String: [String]] {
        [
            "outgoing": host.hooks.outgoing.origins.map(\.module), "incoming": host.hooks.incoming.origins.map(\.module),
            "offline": host.hooks.offlineMessage.origins.map(\.module),
        ]
    }

    @LoopActor
    private func identities(_ host: Host) -> [String: ObjectIdentifier] {
        Dictionary(host.modules.map { (type(of: $0).name, ObjectIdentifier($0)) }) { first, _ in first }
    }
}

/// A module that answers what another one does, and names one that does not exist.
private final class OtherTime: Module {
    nonisolated static let name = "mod_sic"
    nonisolated static let implements: [XEP] = []

    init(options: NoModuleOptions) {}

    func install(_ declarations: inout Declarations, on host: Host) {
        for _ in 0..<2 { declarations.iq.on("time", "urn:xmpp:time", at: .server) { _ in nil } }
        declarations.hooks.incoming.add(.policy, after: ["mod_nonsense"]) { _ in .next }
    }
}
