import Network
import Storage
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// What a client's own probe is answered (RFC 6121 §4.3.2).
@Suite("Probes", .timeLimit(.minutes(5)))
struct ProbeTests {
    init() { StageLoop.start() }

    @LoopActor private func stage() async throws -> (Stage, StageClient) {
        let stage = try await Stage("[modules.mod_roster]", [Presence.self, Roster.self])
        let romeo = try await stage.client("romeo")
        try await stage.account("juliet")
        return (stage, romeo)
    }

    /// Sends a probe; the presence that comes back, as `type from`.
    @LoopActor private func answers(to romeo: StageClient, probing contact: String) async throws -> [String] {
        let before = romeo.heard.count
        try romeo.say("<presence type='probe' to='\(contact)'/>")
        try await romeo.settle()
        return romeo.heard[before...].filter { $0.isNamed("presence") }.map { "\($0["type"] ?? "-") \($0["from"] ?? "-")" }
    }

    @Test("a subscriber is told that an absent contact is unavailable") @LoopActor
    func absentContact() async throws {
        let (stage, romeo) = try await stage()
        try await stage.roster(of: "romeo", "juliet", .to)
        try await stage.roster(of: "juliet", "romeo", .from)
        #expect(try await answers(to: romeo, probing: "juliet@example.org") == ["unavailable juliet@example.org"])
        let juliet = try await stage.client("juliet", "balcony", on: 1)
        #expect(try await answers(to: romeo, probing: "juliet@example.org") == ["unavailable juliet@example.org"])
        try romeo.say("<presence/>")
        try await romeo.settle()
        try juliet.say("<presence/>")
        _ = try #require(await romeo.hears { $0["from"] == "juliet@example.org/balcony" })
        try romeo.say("<presence type='probe' to='juliet@example.org'/>")
        let isAnswered: (Element) -> Bool = { _ in romeo.heard.count { $0["from"] == "juliet@example.org/balcony" } == 2 }
        #expect(await romeo.hears(isAnswered) != nil)
    }

    @Test(
        "a subscription of which the contact knows nothing ends, whether or not there is such a contact",
        arguments: ["juliet", "nobody"])
    @LoopActor func staleSubscription(contact: String) async throws {
        let (stage, romeo) = try await stage()
        try await stage.roster(of: "romeo", contact, .to)
        _ = try await romeo.ask("get", "<query xmlns='jabber:iq:roster'/>")
        #expect(try await answers(to: romeo, probing: "\(contact)@example.org") == ["unsubscribed \(contact)@example.org"])
        let push = romeo.heard.last { $0.isNamed("iq") && $0["type"] == "set" }
        #expect(push?.firstChild?.firstChild?["subscription"] == "none")
    }

    @Test("a stranger's client is shown nothing") @LoopActor
    func stranger() async throws {
        let (stage, romeo) = try await stage()
        let juliet = try await stage.client("juliet", on: 1)
        try juliet.say("<presence/>")
        try await juliet.settle()
        for contact in ["juliet", "nobody"] {
            #expect(try await answers(to: romeo, probing: "\(contact)@example.org") == [])
        }
    }

    @Test("the probes of an initial presence are not answered for absent contacts") @LoopActor
    func initialPresence() async throws {
        let (stage, romeo) = try await stage()
        try await stage.roster(of: "romeo", "juliet", .both)
        try await stage.roster(of: "juliet", "romeo", .both)
        try romeo.say("<presence/>")
        _ = try #require(await romeo.hears { $0.isNamed("presence") })
        try await romeo.settle()
        #expect(romeo.heard.filter { $0.isNamed("presence") }.map { $0["from"] } == ["romeo@example.org/r"])
    }
}
