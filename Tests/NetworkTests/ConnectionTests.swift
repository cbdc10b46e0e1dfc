import Glibc
import Testing

@testable import Network

@Suite(.timeLimit(.minutes(5)))
struct ConnectionTests {
    init() { TestLoop.start() }

    @Test @LoopActor func echoesBigData() async throws {
        let server = TestServer { $0.onReceive = { session, bytes in session.connection.write(bytes) } }
        let client = Sockets.connect(server.port)
        let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let echoed = await Aside.run {
            let writer = BlockingThread.start {
                client.send(data)
                client.endOutput()
            }
            return writer ? client.read() : []
        }
        #expect(echoed == data)
        let session = try await server.session()
        #expect(await session.until { $0.reason != nil })
        #expect(session.reason == .peerClosed)
        client.close()
    }

    @Test @LoopActor func whatIsWrittenInOneTurnGoesOutAtOnce() async throws {
        let server = TestServer { session in
            session.onReceive = { session, _ in
                for part in ["<a>", "b", "</a>"] { session.connection.write(Array(part.utf8)) }
                #expect(session.connection.queuedBytes == 8)
            }
        }
        let before = NetworkCounters.current.bytesOut
        let client = Sockets.connect(server.port)
        client.send("go")
        let text = await Aside.run { client.readText(8) }
        #expect(text == "<a>b</a>")
        #expect(NetworkCounters.current.bytesOut >= before + 8)
        let session = try await server.session()
        #expect(session.connection.queuedBytes == 0)
        client.close()
    }

    @Test @LoopActor func aReaderThatStopsIsSeenAndItsDrainingToo() async throws {
        let server = TestServer()
        let client = Sockets.connect(server.port)
        let session = try await server.session()
        let block = [UInt8](repeating: 65, count: 1 << 20)
        let total = 12
        for _ in 0..<total { session.connection.write(block) }
        await Aside.turn()
        #expect(session.connection.queuedBytes > Connection.highWater)
        #expect(session.connection.queuedBytes < total << 20)
        let got = await Aside.run { client.read(total << 20).count }
        #expect(got == total << 20)
        #expect(await session.until { $0.drained > 0 })
        #expect(session.drained == 1)
        #expect(session.connection.queuedBytes <= Connection.lowWater)
        client.close()
    }

    @Test @LoopActor func aListenerResumedTwiceGoesOn() async throws {
        let server = TestServer()
        server.listener.resume()
        server.listener.pause()
        server.listener.resume()
        server.listener.resume()
        let client = Sockets.connect(server.port)
        _ = try await server.session()
        #expect(!server.listener.isClosed && server.troubles.isEmpty)
        client.close()
    }

    @Test @LoopActor func pausingHoldsThePeerBack() async throws {
        let server = TestServer { $0.connection.pauseReading() }
        let client = Sockets.connect(server.port)
        let session = try await server.session()
        client.send("waiting")
        await Aside.turn()
        #expect(session.received.isEmpty)
        session.connection.resumeReading()
        #expect(await session.until { $0.received == Array("waiting".utf8) })
        client.close()
    }

    @Test @LoopActor func whatAPausedPeerSentBeforeItEndedIsNotLost() async throws {
        let server = TestServer { $0.connection.pauseReading() }
        let client = Sockets.connect(server.port)
        let session = try await server.session()
        client.send([UInt8](repeating: 66, count: 100_000))
        client.endOutput()
        await Aside.turn()
        #expect(session.received.isEmpty && !session.hasEnded)
        session.onReceive = { session, _ in session.connection.pauseReading() }
        session.connection.resumeReading()
        #expect(await session.until { $0.chunks == 1 })
        session.onReceive = { _, _ in }
        session.connection.resumeReading()
        #expect(await session.until { $0.hasEnded })
        #expect(session.received.count == 100_000)
        client.close()
    }

    @Test @LoopActor func tooMuchInputBehindAPauseEndsTheConnection() async throws {
        let server = TestServer { $0.connection.pauseReading() }
        let client = Sockets.connect(server.port)
        let session = try await server.session()
        [UInt8](repeating: 1, count: Connection.heldLimit).withUnsafeBytes { session.connection.hold($0) }
        client.send("x")
        client.reset()  // what it had sent before is read at once
        #expect(await session.until { $0.reason != nil })
        #expect(session.reason == .inputOverflow)
    }

    @Test @LoopActor func aShapedPeerIsPausedAndNothingIsLost() async throws {
        let server = TestServer { $0.connection.setRate(100) }
        let client = Sockets.connect(server.port)
        let session = try await server.session()
        client.send([UInt8](repeating: 67, count: 5000))  // one second's worth is free, the rest costs 49 s of waiting
        #expect(await session.until { $0.received.count >= 100 })
        #expect(await Aside.until { !session.connection.isReading })
        #expect(session.connection.shaper?.timer != nil)
        #expect(session.received.count < 1500)  // as long as this test does not take a quarter of a minute
        session.connection.setRate(nil)
        client.send("more")
        #expect(await session.until { $0.received.count == 5004 })
        client.close()
    }

    @Test @LoopActor func closingAfterFlushDeliversEverything() async throws {
        let server = TestServer { session in
            session.onReceive = { session, _ in
                session.connection.write([UInt8](repeating: 68, count: 5_000_000))
                session.connection.write(Array("</stream:stream>".utf8))
                session.connection.close(afterFlush: true)
                session.connection.write(Array("too late".utf8))
            }
        }
        let client = Sockets.connect(server.port)
        client.send("bye")
        let got = await Aside.run { client.read() }
        #expect(got.count == 5_000_016)
        #expect(got.suffix(16) == Array("</stream:stream>".utf8)[...])
        client.send("ignored")
        client.close()
        let session = try await server.session()
        #expect(await session.until { $0.reason != nil })
        #expect(session.reason == .local)
        #expect(session.received == Array("bye".utf8))
    }

    @Test @LoopActor func aHalfClosedPeerGetsItsAnswer() async throws {
        let server = TestServer { session in
            session.onEnd = { session in
                session.connection.write(Array("answer".utf8))
                session.connection.close(afterFlush: true)
            }
        }
        let client = Sockets.connect(server.port)
        client.send("question")
        client.endOutput()
        #expect(await Aside.run { client.readText() } == "answer")
        let session = try await server.session()
        #expect(await session.until { $0.reason == .peerClosed })
        client.close()
    }

    @Test @LoopActor func closingInACallbackNestsNothing() async throws {
        var closedDuringReceive = false
        let server = TestServer { session in
            session.onReceive = { session, _ in
                session.connection.close(afterFlush: false)
                closedDuringReceive = session.reason != nil
            }
        }
        let client = Sockets.connect(server.port)
        client.send("x")
        let session = try await server.session()
        #expect(await session.until { $0.reason == .local })
        #expect(!closedDuringReceive)
        #expect(session.connection.isClosed)
        session.connection.write([1])  // harmless
        client.close()
    }

    @Test @LoopActor func aResetIsReported() async throws {
        let server = TestServer()
        let client = Sockets.connect(server.port)
        let session = try await server.session()
        client.send("x")
        #expect(await session.until { !$0.received.isEmpty })
        client.reset()
        #expect(await session.until { $0.reason != nil })
        guard case .broken = session.reason else {
            Issue.record("\(String(describing: session.reason))")
            return
        }
    }

    @Test @LoopActor func closedConnectionsAreFreed() async throws {
        let server = TestServer()
        weak var connection: Connection?
        let client = Sockets.connect(server.port)
        do {
            let session = try await server.session()
            connection = session.connection
            client.send("x")
            #expect(await session.until { !$0.received.isEmpty })
            client.close()
            #expect(await session.until { $0.reason != nil })
        }
        server.sessions = []
        #expect(await Aside.until { connection == nil })
        #expect(server.listener.open == 0 && server.listener.accepted == 1)
    }

    @Test @LoopActor func aPausedListenerLeavesPeersInTheQueue() async throws {
        let server = TestServer()
        await Aside.turn()
        server.listener.pause()
        let client = Sockets.connect(server.port)
        await Aside.turn()
        #expect(server.sessions.isEmpty)
        server.listener.resume()
        let session = try await server.session()
        #expect(session.connection.peer.ip == "127.0.0.1")
        #expect(session.connection.peer.port > 0)
        client.close()
    }

    @Test @LoopActor func closingAListenerKeepsItsConnections() async throws {
        let server = TestServer { $0.onReceive = { session, bytes in session.connection.write(bytes) } }
        let client = Sockets.connect(server.port)
        _ = try await server.session()
        server.listener.close()
        client.send("still here")
        #expect(await Aside.run { client.readText(10) } == "still here")
        client.close()
    }
}

/// Ways off the loop and back for tests.
enum Aside {
    /// Runs blocking work on a thread of its own.
    static func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            precondition(BlockingThread.start { continuation.resume(returning: work()) })
        }
    }

    /// Several turns of the loop, with looks at the sockets between them.
    @LoopActor static func turn() async {
        for _ in 0..<5 { _ = await run {} }
    }

    /// Turns of the loop until the condition holds; gives up after many.
    @LoopActor static func until(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<20_000 {
            if condition() { return true }
            _ = await run {}
        }
        return false
    }
}
