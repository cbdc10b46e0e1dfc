import Glibc
import Testing

@testable import Network

@Suite("Compressed connections (XEP-0138)", .timeLimit(.minutes(5)))
struct CompressionTests {
    init() { TestLoop.start() }

    /// A server whose connections are compressed from the first byte and give back what they get.
    @LoopActor private func echo(limit: Int = 1 << 24, _ change: @escaping @LoopActor (TestSession) -> Void = { _ in })
        -> TestServer
    {
        TestServer { session in
            session.connection.startCompression(limit: limit, behind: UnsafeRawBufferPointer(start: nil, count: 0))
            session.onReceive = { session, bytes in session.connection.write(bytes) }
            change(session)
        }
    }

    /// Bytes that repeat themselves, but not soon.
    private static let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ ($0 >> 8) &* ($0 >> 13)) }

    @Test @LoopActor func bigDataComesBack() async throws {
        let server = echo()
        let client = Sockets.connect(server.port)
        let sent = NetworkCounters.current.bytesOut
        let echoed = await Aside.run {
            let peer = ZlibPeer()
            let packed = peer.deflate(Self.data)
            let writer = BlockingThread.start {
                client.send(packed)
                client.endOutput()
            }
            return writer ? peer.inflate(client.read()) : []
        }
        #expect(echoed == Self.data)
        #expect(NetworkCounters.current.bytesOut - sent < UInt64(Self.data.count))
        client.close()
    }

    @Test @LoopActor func bigDataComesBackThroughTLS() async throws {
        let contexts = try Certificates.contexts()
        let peer = ZlibPeer()
        let text = [UInt8](repeating: 65, count: 500_000) + Self.data[..<200_000]
        let packed = peer.deflate(text)
        let server = TestServer { session in
            session.connection.startTLS(contexts)
            session.onSecured = {
                $0.connection.startCompression(limit: 1 << 24, behind: UnsafeRawBufferPointer(start: nil, count: 0))
            }
            session.onReceive = { session, bytes in
                session.connection.write(bytes)
                if session.received.count == text.count { session.connection.close(afterFlush: true) }
            }
        }
        let port = server.port
        let file = "\(Certificates.directory)/packed"
        let output = "\(Certificates.directory)/echoed"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        #expect(packed.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == packed.count)
        close(descriptor)
        _ = await Aside.run {
            Shell.run("timeout 20 openssl s_client -connect 127.0.0.1:\(port) -quiet -ign_eof < \(file) > \(output) 2>/dev/null")
        }
        let echoed = open(output, O_RDONLY)
        defer { close(echoed) }
        var back: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while case let count = read(echoed, &block, block.count), count > 0 { back += block[..<count] }
        #expect(peer.inflate(back) == text)
    }

    @Test @LoopActor func byteByByte() async throws {
        let server = echo()
        let session = try await connected(server)
        let peer = ZlibPeer()
        for byte in peer.deflate("<a>some text, some text, some text</a>") {
            session.client.send([byte])
            await Aside.turn()
        }
        #expect(await session.server.until { $0.received == Array("<a>some text, some text, some text</a>".utf8) })
        session.client.close()
    }

    @LoopActor private func connected(_ server: TestServer) async throws -> (client: Client, server: TestSession) {
        let client = Sockets.connect(server.port)
        return (client, try await server.session(server.sessions.count))
    }

    /// The request is in the clear, what stands behind it is not; neither is what is written after the answer.
    @Test @LoopActor func theChangeIsExact() async throws {
        let server = TestServer { session in
            session.onReceive = { session, bytes in
                guard session.chunks == 1 else { return session.connection.write(bytes) }
                session.connection.write("go")
                session.connection.startCompression(limit: 1000, behind: UnsafeRawBufferPointer(rebasing: bytes[3...]))
                session.connection.write("on ")
            }
        }
        let peer = ZlibPeer()
        let client = Sockets.connect(server.port)
        client.send(Array("go!".utf8) + peer.deflate("at once"))
        let plain = await Aside.run { client.readText(2) }
        #expect(plain == "go")
        let session = try await server.session()
        #expect(await session.until { String(decoding: $0.received, as: UTF8.self).hasSuffix("at once") })
        client.endOutput()
        let rest = await Aside.run { client.read() }
        #expect(String(decoding: peer.inflate(rest), as: UTF8.self) == "on at once")
        client.close()
    }

    // MARK: What is too much, or wrong

    @Test @LoopActor func aBombGoesOffInABoundedRoom() async throws {
        let limit = 100_000
        let server = echo(limit: limit) { session in
            session.onReceive = { _, bytes in #expect(bytes.count <= 16384) }
            session.onProblem = {
                $0.connection.write("enough")
                $0.connection.close(afterFlush: true)
            }
        }
        let peer = ZlibPeer()
        let bomb = peer.deflate([UInt8](repeating: 0, count: 200 << 20))
        #expect(bomb.count < 1 << 20)
        let (client, session) = try await connected(server)
        client.send(bomb)
        #expect(await session.until { $0.problem == .tooMuch })
        #expect(session.received.count <= limit)
        let answer = await Aside.run { client.read() }
        #expect(String(decoding: peer.inflate(answer), as: UTF8.self) == "enough")
        client.close()
    }

    /// Just as much as may be is not too much, and each step is counted by itself.
    @Test @LoopActor func theLimitIsOfOneStep() async throws {
        for (count, isTooMuch) in [(50_000, false), (50_001, true)] {
            let server = echo(limit: 50_000)
            let (client, session) = try await connected(server)
            let peer = ZlibPeer()
            for _ in 0..<2 {
                let before = session.received.count
                client.send(peer.deflate([UInt8](repeating: 7, count: count)))
                #expect(await session.until { $0.received.count == before + count || $0.problem != nil })
            }
            #expect((session.problem == .tooMuch) == isTooMuch)
            client.close()
        }
    }

    @Test @LoopActor func whatIsNoZlibEndsIt() async throws {
        let finished = ZlibPeer().deflate(Array("end".utf8), ending: true)
        for input in [Array("<stream:stream>".utf8), finished + [1], ZlibPeer().deflate("x") + [0xff, 0xff, 0xff]] {
            let server = echo()
            let (client, session) = try await connected(server)
            client.send(input)
            #expect(await session.until { $0.problem == .corrupt })
            client.close()
        }
    }

    // MARK: Pauses

    @Test @LoopActor func aPauseInTheMiddleOfAStepHolds() async throws {
        let server = echo { session in
            session.onReceive = { session, _ in session.connection.pauseReading() }
        }
        let (client, session) = try await connected(server)
        let text = [UInt8](repeating: 65, count: 100_000) + [UInt8](repeating: 66, count: 100_000)
        client.send(ZlibPeer().deflate(text))
        client.endOutput()
        for _ in 0..<1000 where session.received.count < text.count {
            let before = session.chunks
            session.connection.resumeReading()
            #expect(await session.until { $0.chunks > before })
            await Aside.turn()
            #expect(session.chunks == before + 1 && !session.hasEnded)
        }
        #expect(session.received == text && session.chunks > 10)
        session.connection.resumeReading()
        #expect(await session.until { $0.hasEnded })
        client.close()
    }

    /// The peer has ended, and what it sent waits, inflated by half: all of it comes, then the end.
    @Test @LoopActor func nothingIsLostBehindAPauseWithTLSBeneath() async throws {
        let contexts = try Certificates.contexts()
        let server = TestServer { session in
            session.connection.startTLS(contexts)
            session.onSecured = {
                $0.connection.startCompression(limit: 1 << 24, behind: UnsafeRawBufferPointer(start: nil, count: 0))
            }
            session.onReceive = { session, _ in session.connection.pauseReading() }
        }
        let text = [UInt8](repeating: 65, count: 100_000) + Self.data[..<100_000]
        let packed = ZlibPeer().deflate(text)
        let file = "\(Certificates.directory)/paused"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        #expect(packed.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == packed.count)
        close(descriptor)
        let port = server.port
        // Without -ign_eof it closes behind its last byte.
        _ = await Aside.run { Shell.run("timeout 20 openssl s_client -connect 127.0.0.1:\(port) < \(file) > /dev/null 2>&1") }
        let session = try await server.session()
        for _ in 0..<1000 where session.received.count < text.count {
            let before = session.chunks
            session.connection.resumeReading()
            #expect(await session.until { $0.chunks > before })
            #expect(session.chunks == before + 1)
        }
        session.connection.resumeReading()
        #expect(session.received == text)
        #expect(await session.until { $0.hasEnded })
    }

    private static func noise(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            if let start = buffer.baseAddress { arc4random_buf(start, count) }
            filled = count
        }
    }

    @Test @LoopActor func aReaderThatStopsIsSeen() async throws {
        let server = echo()
        let (client, session) = try await connected(server)
        let total = 4 * Self.data.count
        // Nothing that would become smaller.
        for _ in 0..<4 { session.connection.write(Self.noise(Self.data.count)) }
        await Aside.turn()
        #expect(session.connection.queuedBytes > Connection.highWater)
        session.connection.close(afterFlush: true)
        let count = await Aside.run { ZlibPeer().inflate(client.read()).count }
        #expect(count == total)
        client.close()
    }
}
