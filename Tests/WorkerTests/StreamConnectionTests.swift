import Glibc
import Network
import TestKit
import Testing
import XML
import XMPP

@testable import Worker

@Suite("A stream's parts go from its connection to its driver", .timeLimit(.minutes(1)))
struct StreamConnectionTests {
    init() { precondition(Loop.runOnThread()) }

    @Test("one after the other; none while an answer is awaited, and what came meanwhile after it, in order", arguments: [1, 1000])
    func waiting(size: Int) async throws {
        let stage = try await PlainDriver.stage()
        let client = try StreamTranscript(port: stage.port)
        try client.say(Lines.header + "<a/> <wait/><b>x</b><c/>", by: size)
        #expect(await stage.hears("<wait/>"))
        try client.say("<wait/>" + "<d><e/></d></stream:stream>", by: size)
        await stage.answer()
        #expect(await stage.hears("<wait/>", times: 2))
        let heard = await stage.driver?.heard
        #expect(heard == ["header localhost", "<a/>", "<wait/>", "<b>x</b>", "<c/>", "<wait/>"])
        await stage.answer()
        #expect(await stage.hears("footer"))
        #expect(await stage.driver?.heard.suffix(2) == ["<d><e/></d>", "footer"])
        await stage.listener.close()
    }

    @Test("many in one piece take as many turns of the loop as they need, in order, and the end comes behind them")
    func portions() async throws {
        let stage = try await PlainDriver.stage()
        let client = try StreamTranscript(port: stage.port)
        let elements = (0..<20).map { "<slow>\($0)</slow>" }
        try client.say(Lines.header + elements.joined())
        client.socket.shutdownSending()
        #expect(await stage.hears("ended"))
        #expect(await stage.driver?.heard == ["header localhost"] + elements + ["ended"])
        let perTurn = await stage.driver?.slowPerTurn.values.max()
        // Each takes longer than one part of a turn, and two longer than what ends it.
        #expect(perTurn ?? 0 <= 2)
        await stage.listener.close()
    }

    @Test("what cannot be read is told once, and nothing behind it")
    func malformed() async throws {
        let stage = try await PlainDriver.stage()
        let client = try StreamTranscript(port: stage.port)
        try client.say(Lines.header + "<a/><b></c><d/>")
        #expect(await stage.hears("notWellFormed"))
        #expect(await stage.driver?.heard == ["header localhost", "<a/>", "notWellFormed"])
        await stage.listener.close()
    }

    @Test("an element that the driver knows by its bytes is not parsed")
    func byBytes() async throws {
        let stage = try await PlainDriver.stage()
        let client = try StreamTranscript(port: stage.port)
        // The prefix is declared nowhere: a parser would refuse it.
        try client.say(Lines.header + "<known:r/><a/>")
        #expect(await stage.hears("<a/>"))
        #expect(await stage.driver?.heard == ["header localhost", "taken <known:r/>", "<a/>"])
        await stage.listener.close()
    }
}

/// Notes what it is handed. It waits behind an element `wait` until it is told to go on.
@LoopActor
private final class PlainDriver: StreamDriver {
    /// A listening socket whose latest connection has such a driver.
    @LoopActor
    final class Stage {
        nonisolated let port: UInt16
        fileprivate(set) var listener: Listener
        fileprivate(set) var driver: PlainDriver?

        fileprivate init() throws {
            let socket = try ListeningSocket()
            port = socket.port
            var accept: (@LoopActor (Connection) -> (any ConnectionDelegate)?)?
            listener = Listener(adopting: socket.descriptor) { accept?($0) }
            accept = { [unowned self] connection in
                let carrier = StreamConnection(
                    connection, limits: Limits(bytes: 1000), parser: ElementParser(), headerParser: ElementParser())
                let driver = PlainDriver(carrier)
                carrier.driver = driver
                self.driver = driver
                return carrier
            }
        }

        /// Whether that was heard, within ten seconds.
        func hears(_ word: String, times: Int = 1) async -> Bool {
            let deadline = Loop.now + 10_000
            while (driver?.heard ?? []).count(where: { $0 == word }) < times {
                if Loop.now > deadline { return false }
                await Loop.pause(10)
            }
            return true
        }

        func answer() {
            driver?.progress = .ready
            driver?.carrier.resumeParsing()
        }
    }

    static func stage() throws -> Stage { try Stage() }

    unowned let carrier: StreamConnection
    fileprivate(set) var progress = StreamProgress.ready
    private(set) var heard: [String] = []
    /// Elements called `slow`, by when the turn of the loop began.
    private(set) var slowPerTurn: [Int64: Int] = [:]
    let queueBound: Int? = nil

    init(_ carrier: StreamConnection) { self.carrier = carrier }

    private func note(_ word: String) {
        heard.append(word)
        if word.hasPrefix("<slow>") {
            usleep(10_000)
            slowPerTurn[Loop.turnBegan, default: 0] += 1
        }
        if word == "<wait/>" { progress = .waiting }
    }

    func receivedHeader(_ header: StreamHeader) { note("header \(header["to"] ?? "")") }
    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("<known:") else { return false }
        note("taken \(text)")
        return true
    }
    func receivedElement(_ element: Element) { note(String(decoding: element.rendered(within: Namespace.client), as: UTF8.self)) }
    func receivedFooter() { note("footer") }
    func receivedMalformed(_ malformed: Malformed) {
        note("\(malformed)")
        progress = .closed
    }
    func receivedAll() {}
    func secured() {}
    func drained() {}
    func end(_ error: StreamError?) {}
    func release(_ error: StreamError?) {}
    func peerEnded() { note("ended") }
    func carrierClosed(_ reason: CloseReason) {}
}
