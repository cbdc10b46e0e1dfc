import Glibc
import Kernel
import Network
import Storage
import Testing
import XML
import XMPP

@testable import Modules

/// Presence to thousands: no turn of the loop is longer for it, and nobody is told twice, too late or not at all.
@Suite("Presence to many", .timeLimit(.minutes(5)))
struct PresenceFanOutTests {
    init() { StageLoop.start() }

    /// Microseconds that one stanza takes: more than a part of a turn has.
    private static let long: useconds_t = 10_000

    @Test("goes out in order over several turns, and no longer to whom it is not for any more") @LoopActor
    func portions() async {
        let targets = (0..<8).map { JID.prepared(local: "contact\($0)", domain: Stage.domain) }
        var sent: [JID] = []
        let presence = Stanza(.presence, from: nil, to: nil)
        let rest = PresenceFanOut.send(presence, to: targets) {
            $0 != targets[3]
        } by: { stanza in
            usleep(Self.long)
            if let to = stanza.to { sent.append(to) }
        }
        #expect(sent.count == 1)
        await rest?()
        #expect(sent == targets.filter { $0 != targets[3] })
    }

    @Test("what a client says next reaches each contact behind it") @LoopActor
    func order() async throws {
        let stage = try await Stage("[modules.mod_roster]", Catalog.modules)
        try await stage.account("alice")
        for number in 0..<400 { try await stage.roster(of: "alice", "contact\(number)", .from) }
        let first = try await stage.client("contact1")
        let last = try await stage.client("contact399", on: 1)
        for contact in [first, last] { try contact.say("<presence/>") }
        let client = try await stage.bound("alice")
        for status in ["one", "two", "three"] { try client.say("<presence><status>\(status)</status></presence>") }
        try client.say("<presence type='unavailable'/>")
        for contact in [first, last] {
            #expect(await contact.hears { $0.isNamed("presence") && $0["type"] == "unavailable" } != nil)
            let heard = contact.heard.filter { $0["from"] == client.jid.description }
            #expect(heard.map { $0.child("status")?.text ?? $0["type"] ?? "" } == ["one", "two", "three", "unavailable"])
        }
    }
}
