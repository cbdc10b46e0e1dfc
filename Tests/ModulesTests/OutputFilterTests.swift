import Network
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

@Suite("What modules hold back from one client", .timeLimit(.minutes(1)))
struct OutputFilterTests {
    init() { StageLoop.start() }

    /// Keeps messages with a body that begins with its word, until it is taken away.
    @LoopActor private final class Holder: OutputFilter {
        private let word: String
        private var held: [RenderedStanza] = []

        init(_ word: String) { self.word = word }

        func filter(_ stanza: RenderedStanza) -> [RenderedStanza] {
            guard String(decoding: stanza.bytes, as: UTF8.self).contains("<body>\(word)") else { return [stanza] }
            held.append(stanza)
            return []
        }

        func takeAll() -> [RenderedStanza] {
            defer { held = [] }
            return held
        }
    }

    @LoopActor private func bodies(_ client: StageClient) -> [String] {
        client.heard.filter { $0.isNamed("message") }.compactMap { $0.child("body")?.text }
    }

    @LoopActor private func say(_ words: [String], to client: StageClient) {
        for word in words {
            client.session.send(Stanza(.message, from: nil, to: client.jid, [Element("body", Namespace.client, text: word)]))
        }
    }

    @Test("two filters share a session: a stanza passes them in the order of their stages, whichever came first") @LoopActor
    func twoFiltersShareASession() async throws {
        let stage = try await Stage()
        let bob = try await stage.client("bob")
        let (first, second) = (Holder("a"), Holder("ab"))
        bob.session.add(second, at: .urgency)
        bob.session.add(first, at: .order)
        say(["a1", "ab2", "b3"], to: bob)
        #expect(bodies(bob) == ["b3"])
        // What the first gives up goes on to the second.
        bob.session.remove(first)
        #expect(bodies(bob) == ["b3", "a1"])
        say(["a4", "ab5"], to: bob)
        #expect(bodies(bob) == ["b3", "a1", "a4"])
        bob.session.remove(second)
        #expect(bodies(bob) == ["b3", "a1", "a4", "ab2", "ab5"])
        #expect(bob.session.filters.isEmpty)
    }

    @Test("a session that moves has everything from its filters, through those behind") @LoopActor
    func flush() async throws {
        let stage = try await Stage()
        let bob = try await stage.client("bob")
        bob.session.add(Holder("a"), at: .order)
        bob.session.add(Holder("ab"), at: .urgency)
        say(["a1", "ab2"], to: bob)
        bob.session.flushFilters()
        #expect(bodies(bob) == ["a1", "ab2"])
    }

    @Test("messages that were kept come before new ones also where nobody looks at the client") @LoopActor
    func orderHoldsForInactiveClients() async throws {
        let stage = try await Stage(
            "[modules.mod_offline]\n[modules.mod_csi]", [Presence.self, OfflineMessages.self, ClientState.self])
        let bob = try await stage.client("bob")
        stage.host().handleExtension(Element("inactive", "urn:xmpp:csi:0"), from: bob.session)
        #expect(bob.session.filters.count == 1)
        LiveMessageBuffer.holdBack(from: bob.session)
        say(["new"], to: bob)
        #expect(bodies(bob).isEmpty)
        LiveMessageBuffer.pass([Array("<message><body>old</body></message>".utf8)], to: bob.session)
        LiveMessageBuffer.release(to: bob.session)
        #expect(bodies(bob) == ["old", "new"])
        stage.host().handleExtension(Element("active", "urn:xmpp:csi:0"), from: bob.session)
        #expect(bob.session.filters.isEmpty)
    }
}
