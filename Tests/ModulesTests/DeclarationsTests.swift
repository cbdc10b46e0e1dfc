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
            #expect(all.merge(own).isEmpty, "\(module)")
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
        #expect(first.merge(second).sorted() == ["query urn:example", "urn:example"])
        if case .immediate = first.iq.handler(for: Element("query", "urn:example"), at: .server) {
        } else {
            Issue.record("the second one holds")
        }
    }

    @LoopActor
    private func identities(_ host: Host) -> [String: ObjectIdentifier] {
        Dictionary(host.modules.map { (type(of: $0).name, ObjectIdentifier($0)) }) { first, _ in first }
    }
}
