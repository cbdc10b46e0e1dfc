import Kernel
import Network
import Storage
import Testing
import XML

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct VCardTempTests {
    init() { StageLoop.start() }

    private let modules = "[modules.mod_vcard]"
    /// A hash as it is kept beside a card.
    private static let hash = "9af6cecd39a01e2b7ba63f5e7a2fa94a7e5fdb07"

    private static func element(_ xml: String) throws -> Element {
        try Array(xml.utf8).withUnsafeBytes { try ElementParser().element($0, in: .client, limits: Limits(bytes: .max)) }
    }

    @Test(arguments: [
        ("<FN>A</FN>", VCardPhoto.empty),
        ("<PHOTO/>", .empty),
        ("<PHOTO><BINVAL/></PHOTO>", .empty),
        ("<PHOTO><BINVAL>not base 64</BINVAL></PHOTO>", .empty),
        ("<PHOTO><EXTVAL>http://example.org/</EXTVAL></PHOTO>", .empty),
        ("<PHOTO><TYPE>image/png</TYPE><BINVAL>YWJj</BINVAL></PHOTO>", .image("a9993e364706816aba3e25717850c26c9cd0d89d")),
        ("<PHOTO><BINVAL>\n  YW\r\n\tJj </BINVAL></PHOTO>", .image("a9993e364706816aba3e25717850c26c9cd0d89d")),
    ])
    func photo(_ contents: String, _ expected: VCardPhoto) throws {
        let photo = VCardPhoto(of: try Self.element("<vCard xmlns='vcard-temp'>\(contents)</vCard>"))
        #expect(photo == expected)
        #expect(VCardPhoto(hash: photo.hash) == photo)
    }

    @Test func noCardIsAnnouncedAsNothing() {
        #expect(VCardPhoto(hash: nil) == .none)
        #expect(VCardAvatar.update(.none) == nil)
        #expect(VCardAvatar.update(.empty)?.child("photo")?.text == "")
        #expect(VCardAvatar.update(.image("ab"))?.child("photo")?.text == "ab")
    }

    @Test @LoopActor func cardsAreReadByAllAndWrittenByTheirOwner() async throws {
        let stage = try await Stage(modules, [VCardTemp.self])
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob", on: 1)
        let empty = "<vCard xmlns='vcard-temp'/>"
        let card = "<vCard xmlns='vcard-temp'><FN>Alice</FN><N><FAMILY/></N><TEL><HOME/><NUMBER>1</NUMBER></TEL></vCard>"

        #expect(try await alice.ask("get", empty).errorCondition == "item-not-found")
        #expect(try await bob.ask("get", to: "alice@example.org", empty).errorCondition == "service-unavailable")
        #expect(try await bob.ask("get", to: "nobody@example.org", empty).errorCondition == "service-unavailable")
        #expect(try await alice.ask("set", card)["type"] == "result")
        let read = try await bob.ask("get", to: "alice@example.org", empty)
        #expect(read["from"] == "alice@example.org")
        #expect(read.firstChild == (try Self.element(card)))
        #expect(try await bob.ask("set", to: "alice@example.org", card).errorCondition == "service-unavailable")
        #expect(try await alice.ask("set", empty)["type"] == "result")
        #expect(try await bob.ask("get", to: "alice@example.org", empty).errorCondition == "service-unavailable")
        #expect(try await bob.ask("get", to: "example.org", empty).firstChild?.has("FN") == true)
        let large = "<vCard xmlns='vcard-temp'><DESC>\(String(repeating: "x", count: 300_000))</DESC></vCard>"
        #expect(try await alice.ask("set", large).errorCondition == "policy-violation")
    }

    @Test @LoopActor func photosAreAnnouncedWhereTheClientDoesNot() async throws {
        let stage = try await Stage(modules, [VCardTemp.self, Presence.self])
        let phone = try await stage.client("alice", "phone")
        let laptop = try await stage.client("alice", "laptop", on: 1)
        let smart = try await stage.client("alice", "smart", on: 1)
        func photo(_ id: String, from sender: StageClient) async -> Element? {
            await phone.hears { $0.isNamed("presence") && $0["id"] == id && $0["from"] == "\(sender.jid)" }?
                .child("x", "vcard-temp:x:update")
        }

        try phone.say("<presence id='p1'/>")
        #expect(await phone.hears { $0["id"] == "p1" }?.has("x", "vcard-temp:x:update") == false)
        try laptop.say("<presence id='l1'/>")
        _ = await phone.hears { $0["id"] == "l1" }
        try smart.say("<presence id='s1'><x xmlns='vcard-temp:x:update'/></presence>")
        #expect(await photo("s1", from: smart)?.firstChild == nil)

        let set = "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>YWJj</BINVAL></PHOTO></vCard>"
        #expect(try await laptop.ask("set", set)["type"] == "result")
        let hash = "a9993e364706816aba3e25717850c26c9cd0d89d"
        func isAnnounced(_ element: Element, _ id: String, _ hash: String) -> Bool {
            element["id"] == id && element.child("x", "vcard-temp:x:update")?.child("photo")?.text == hash
        }
        #expect(await phone.hears { isAnnounced($0, "l1", hash) } != nil)
        #expect(await phone.hears { isAnnounced($0, "p1", hash) } != nil)
        try smart.say("<presence id='s2'><x xmlns='vcard-temp:x:update'/></presence>")
        #expect(await photo("s2", from: smart)?.firstChild == nil)
        try laptop.say("<presence id='l2'><priority>1</priority></presence>")
        #expect(await phone.hears { isAnnounced($0, "l2", hash) } != nil)

        #expect(try await phone.ask("set", "<vCard xmlns='vcard-temp'><FN>A</FN></vCard>")["type"] == "result")
        let last = await phone.hears { isAnnounced($0, "l2", "") }
        #expect(last?.children.filter { $0.isNamed("x") }.count == 1)
        #expect(phone.heard.filter { $0["id"] == "s2" }.count == 1)
    }

    @Test @LoopActor func photoIsReadFromStorageAtTheFirstPresence() async throws {
        let stage = try await Stage(modules, [VCardTemp.self, Presence.self])
        try await stage.account("alice")
        try await stage.store.vCards.set(.init(user: "alice", domain: Stage.domain), .init(xml: [], photoHash: Self.hash))
        let alice = try await stage.client("alice")
        try alice.say("<presence id='p'/>")
        let heard = await alice.hears { $0["id"] == "p" }
        #expect(heard?.child("x", "vcard-temp:x:update")?.child("photo")?.text == Self.hash)
    }
}
