import Network
import SharedState
import Storage
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// Whatever hangs on a session is the same after it has migrated: everybody gets the same bytes as if it had stayed, but for
/// ids and stamps.
@Suite(.timeLimit(.minutes(5))) struct MigratedStateTests {
    init() { StageLoop.start() }

    /// How a session goes on after its connection was lost.
    enum Way: CaseIterable {
        case onTheSameWorker
        /// Its client comes back on the other worker, which claims it.
        case claimed
        /// Its worker leaves.
        case planned
        /// There and back.
        case twice
    }

    /// One kind of state.
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The name of a module's codec; nil: the kernel's own.
        var codec: String?
        /// Gives juliet the state, before her connection is lost.
        let prepare: @Sendable @LoopActor (Play) async throws -> Void
        /// Happens while she has no connection.
        var meanwhile: @Sendable @LoopActor (Play) async throws -> Void = { _ in }
        /// Shows the state, after she is back.
        var show: @Sendable @LoopActor (Play) async throws -> Void = { _ in }
    }

    /// Juliet with another resource, and romeo, who is her contact.
    @LoopActor final class Play {
        let stage: Stage
        var juliet: StageClient
        let other: StageClient
        let romeo: StageClient
        /// A stranger.
        let nurse: StageClient
        private let name: String
        private var marks: [ObjectIdentifier: Int] = [:]
        private var ends = 0

        init() async throws {
            let modules = Catalog.modules.filter { !$0.isAlwaysOn && $0.name != Archive.name }.map { "[modules.\($0.name)]" }
            stage = try await Stage((modules + ["[modules.mod_mam.pm]"]).joined(separator: "\n"), Catalog.modules)
            juliet = try await stage.client("juliet", "moving")
            (other, romeo) = (try await stage.bound("juliet", "other", on: 1), try await stage.client("romeo", on: 1))
            nurse = try await stage.client("nurse")
            try await stage.roster(of: "juliet", "romeo", .both)
            try await stage.roster(of: "romeo", "juliet", .both)
            let enable = Element("enable", StreamManagementXML.namespace, ["resume": "true"])
            juliet.session.host.handleExtension(enable, from: juliet.session)
            name = try #require(juliet.heard.last?["id"])
        }

        private var clients: [StageClient] { [juliet, other, romeo, nurse] }

        /// Everything that was said has arrived, by whichever workers it goes.
        func settle() async throws {
            for _ in 0..<2 {
                for client in clients where client.session.isAttached { try await client.settle() }
                await StageTime.until { [stage] in stage.workers.allSatisfy { $0.migration.isIdle } }
                await StageTime.runUntilIdle()
            }
        }

        func mark() { for client in clients { marks[ObjectIdentifier(client)] = client.bytes.count } }

        func loseAndResume(_ way: Way, meanwhile: @LoopActor (Play) async throws -> Void) async throws {
            let heard = UInt32(juliet.heard.count { ["message", "presence", "iq"].contains($0.name) })
            juliet.session.streamDidDisconnect(juliet)
            try await meanwhile(self)
            try await settle()
            switch way {
            case .onTheSameWorker: break
            case .claimed: break
            case .planned: try await leave(0, for: 1)
            case .twice:
                try await leave(0, for: 1)
                try await leave(1, for: 0)
            }
            let worker = way == .onTheSameWorker || way == .twice ? 0 : 1
            juliet = await stage.resumed("juliet", name, handled: heard, on: worker).0
            #expect(juliet.session.host === stage.host(worker))
        }

        private func leave(_ worker: Int, for other: Int) async throws {
            while let session = stage.workers[worker].localSessions.first(where: { $0.jid == juliet.jid }) {
                stage.workers[worker].migration.migrate(session, to: UInt8(other))
                await StageTime.runUntilIdle()
            }
            try await settle()
        }

        /// What each has heard since the mark, without what differs every time, in the order of the alphabet.
        func transcript() -> [String] {
            let names = ["juliet", "other", "romeo", "nurse"]
            return zip(names, clients).flatMap { name, client in
                client.bytes.dropFirst(marks[ObjectIdentifier(client)] ?? 0).map { name + ": " + Self.plain($0) }.sorted()
            }
        }

        private static func plain(_ bytes: [UInt8]) -> String {
            String(decoding: bytes, as: UTF8.self)
                .replacing(#/ (id|stamp|ver|h)=(['"]).*?\2/#, with: { " \($0.1)=''" })
                .replacing(#/>settle\d+</#, with: "><")
                .replacing(#/>[0-9a-f]{16}</#, with: "><")
        }
    }

    static let kinds: [Kind] = [
        Kind(testDescription: "presence, seen by those that come", codec: "presence") { play in
            try play.juliet.say(
                "<presence xml:lang='it'><show>away</show><status>è l&apos;ora</status><priority>3</priority></presence>")
        } show: { play in
            try play.romeo.say("<presence/>")
            try play.other.say("<presence/>")
        },
        Kind(testDescription: "presence, told to a new subscriber", codec: "presence") { play in
            try play.juliet.say("<presence id='p'><status>here</status></presence>")
            try play.other.say("<presence/>")
        } show: { play in
            try play.nurse.say("<presence/>")
            try play.nurse.say("<presence type='subscribe' to='juliet@\(Stage.domain)'/>")
            try await play.settle()
            try play.juliet.say("<presence type='subscribed' to='nurse@\(Stage.domain)'/>")
        },
        Kind(testDescription: "presence that changes, and its end", codec: "presence") { play in
            try play.romeo.say("<presence/>")
            try play.juliet.say("<presence/>")
            try play.juliet.say("<presence to='\(play.nurse.jid)'><status>for you alone</status></presence>")
        } show: { play in
            try play.juliet.say("<presence><show>dnd</show></presence>")
            try await play.settle()
            try play.juliet.say("<presence type='unavailable'/>")
        },
        Kind(testDescription: "directed presence, ended by the session", codec: "presence") { play in
            try play.juliet.say("<presence to='\(play.nurse.jid)'/>")
        } show: { play in
            play.juliet.session.close(nil)
        },
        Kind(testDescription: "a photo of which the client speaks itself", codec: "vcard.photo") { play in
            try play.romeo.say("<presence/>")
            try play.juliet.say("<presence><x xmlns='vcard-temp:x:update'><photo>abc</photo></x></presence>")
        } show: { play in
            _ = try await play.other.ask("set", "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>AAAA</BINVAL></PHOTO></vCard>")
            try play.juliet.say("<presence><show>dnd</show><x xmlns='vcard-temp:x:update'><photo>def</photo></x></presence>")
        },
        Kind(testDescription: "a photo of which the server speaks", codec: "vcard.photo") { play in
            try play.romeo.say("<presence/>")
            try play.juliet.say("<presence/>")
        } show: { play in
            _ = try await play.other.ask("set", "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>AAAA</BINVAL></PHOTO></vCard>")
        },
        Kind(testDescription: "inactive, with presence that is held back", codec: "mod_csi") { play in
            try play.juliet.say("<presence/>")
            try await play.settle()
            play.juliet.session.host.handleExtension(Element("inactive", "urn:xmpp:csi:0"), from: play.juliet.session)
            play.mark()
            try play.romeo.say("<presence><show>xa</show></presence>")
            try play.romeo.say(
                "<message to='\(play.juliet.jid)' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        } meanwhile: { play in
            try play.romeo.say("<presence><show>dnd</show></presence>")
        } show: { play in
            try play.romeo.say("<presence><show>chat</show></presence>")
        },
        Kind(testDescription: "offline messages that are still owed", codec: "mod_offline") { play in
            try play.juliet.say("<presence/>")
            try await play.settle()
            // Another session has its turn when the connection is lost.
            let rival = try await play.stage.bound("juliet", "rival", on: 1)
            rival.session.set(.takesOffline, true)
            let message = "<message from='\(play.romeo.jid)' to='juliet@\(Stage.domain)'><body>late</body></message>"
            _ = try await play.stage.store.offline.store(
                UserKey(user: "juliet", domain: Stage.domain), .init(Array(message.utf8), receivedAt: 0), now: 0, limit: nil)
            OfflineMessages.wake(play.juliet.jid.bare, on: play.stage.host())
            await StageTime.runUntilIdle()
            play.juliet.session.streamDidDisconnect(play.juliet)
            await StageTime.until { !play.juliet.session.isPinned }
            rival.session.close(nil)
        },
        Kind(testDescription: "messages that are not acknowledged, and some that come meanwhile") { play in
            try play.juliet.say("<presence/>")
            try await play.settle()
            play.mark()
            for number in 1...3 {
                try play.romeo.say("<message to='\(play.juliet.jid)' type='chat'><body>\(number)</body></message>")
            }
            try await play.settle()
        } meanwhile: { play in
            for number in 4...6 {
                try play.romeo.say("<message to='\(play.juliet.jid)' type='chat'><body>\(number)</body></message>")
            }
            try play.romeo.say("<iq type='get' id='q' to='\(play.juliet.jid)'><query xmlns='jabber:iq:version'/></iq>")
        } show: { play in
            try play.romeo.say("<message to='juliet@\(Stage.domain)' type='chat'><body>7</body></message>")
        },
        Kind(testDescription: "carbons") { play in
            _ = try await play.juliet.ask("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
            try play.other.say("<presence/>")
        } show: { play in
            try play.romeo.say("<message to='\(play.other.jid)' type='chat'><body>in</body></message>")
            try play.other.say("<message to='\(play.romeo.jid)' type='chat'><body>out</body></message>")
        },
        Kind(testDescription: "the roster, with a request that waits") { play in
            _ = try await play.juliet.ask("get", "<query xmlns='jabber:iq:roster'/>")
            try play.juliet.say("<presence/>")
            try play.nurse.say("<presence/>")
            try await play.settle()
            try play.nurse.say("<presence type='subscribe' to='juliet@\(Stage.domain)'/>")
        } show: { play in
            _ = try await play.other.ask(
                "set", "<query xmlns='jabber:iq:roster'><item jid='nurse@\(Stage.domain)' name='N'><group>g</group></item></query>")
            try play.juliet.say("<presence type='subscribed' to='nurse@\(Stage.domain)'/>")
        },
        Kind(testDescription: "the block list") { play in
            try play.juliet.say("<presence/>")
            try play.romeo.say("<presence/>")
            _ = try await play.juliet.ask("get", "<blocklist xmlns='urn:xmpp:blocking'/>")
        } show: { play in
            _ = try await play.other.ask(
                "set", "<block xmlns='urn:xmpp:blocking'><item jid='romeo@\(Stage.domain)'/></block>")
            try play.romeo.say("<message to='\(play.juliet.jid)'><body>blocked</body></message>")
        },
        Kind(testDescription: "a negative priority") { play in
            try play.juliet.say("<presence><priority>-7</priority></presence>")
        } show: { play in
            try play.romeo.say("<message to='juliet@\(Stage.domain)' type='chat'><body>to anybody</body></message>")
            try await play.settle()
            try play.other.say("<presence/>")
        },
        Kind(testDescription: "capabilities and the archive") { play in
            try play.juliet.say("<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/></presence>")
            _ = try await play.juliet.ask("set", "<prefs xmlns='urn:xmpp:mam:2' default='never'/>")
        } show: { play in
            try play.romeo.say("<message to='juliet@\(Stage.domain)' type='chat' id='1'><body>kept by him</body></message>")
            try await play.settle()
            _ = try await play.juliet.ask("get", "<prefs xmlns='urn:xmpp:mam:2'/>")
            _ = try await play.juliet.ask("set", "<query xmlns='urn:xmpp:mam:2'/>")
            _ = try await play.romeo.ask("get", to: play.juliet.jid.bareText, "<query xmlns='jabber:iq:last'/>")
        },
    ]

    @LoopActor private func transcript(_ kind: Kind, _ way: Way) async throws -> [String] {
        let play = try await Play()
        try await kind.prepare(play)
        try await play.settle()
        play.mark()
        try await play.loseAndResume(way, meanwhile: kind.meanwhile)
        try await play.settle()
        try await kind.show(play)
        try await play.settle()
        await StageTime.until { play.stage.workers.allSatisfy { ArchiveWriter.of($0).isIdle } }
        // How often the server asks for an acknowledgement is a matter of time.
        return play.transcript().filter { !$0.contains("xmlns='settle'") && !$0.contains("<r xmlns='urn:xmpp:sm:3'/>") }
    }

    @Test("a session that has migrated is to everybody what it was", arguments: kinds) @LoopActor
    func nothingIsLost(_ kind: Kind) async throws {
        let stayed = try await transcript(kind, .onTheSameWorker)
        #expect(stayed.contains { !$0.contains("<iq") }, "the row shows something: \(stayed)")
        for way in Way.allCases where way != .onTheSameWorker {
            let moved = try await transcript(kind, way)
            #expect(moved == stayed, "\(way)")
        }
    }

    @Test("each module's codec has a row in the table") @LoopActor func noCodecIsForgotten() async throws {
        let play = try await Play()
        #expect(Set(Self.kinds.compactMap(\.codec)) == Set(play.stage.host().migrationCodecs.keys))
    }
}
