import Glibc
import IPC
import Network
import TestKit
import Testing

@testable import Worker

@Suite("The streams between workers", .timeLimit(.minutes(2)))
struct MeshLinksTests {
    init() { precondition(Loop.runOnThread()) }

    private func pair() throws -> (own: Int32, other: BlockingChannel) {
        var pair: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw TestFailure("no pair of sockets")
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return (pair[0], BlockingChannel(adopting: pair[1], limit: 1 << 24))
    }

    /// The next frame, without its length.
    private func next(_ channel: BlockingChannel) throws -> [UInt8] {
        let length = try read(4, channel).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
        return try read(length, channel)
    }

    private func read(_ count: Int, _ channel: BlockingChannel) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var piece = [UInt8](repeating: 0, count: count - bytes.count)
            let got = recv(channel.descriptor, &piece, piece.count, 0)
            guard got > 0 else { throw TestFailure("the frame ends behind \(bytes.count) bytes of \(count)") }
            bytes += piece[..<got]
        }
        return bytes
    }

    /// A frame as it lies on the pipe, with its length.
    private func framed(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Array($0) } + bytes
    }

    @Test("a new link begins with a greeting, and is gone with its own incarnation only")
    func greeting() async throws {
        let stage = try await WorkerStage()
        let (own, other) = try pair()
        await stage.see { $0.mesh.connect(slot: 1, incarnation: 4, descriptor: own) }
        #expect(try next(other) == MeshFrame.greeting.encoded())
        await stage.see { $0.mesh.gone(slot: 1, incarnation: 3) }
        #expect(await stage.see { $0.mesh.peers } == [1])
        await stage.see { $0.mesh.gone(slot: 1, incarnation: 4) }
        #expect(await stage.see { $0.mesh.peers }.isEmpty)
        await stage.end()
    }

    @Test("a frame that is malformed ends the link, and no other")
    func malformed() async throws {
        let stage = try await WorkerStage()
        let (own, other) = try pair()
        let (second, quiet) = try pair()
        await stage.see {
            $0.mesh.connect(slot: 1, incarnation: 1, descriptor: own)
            $0.mesh.connect(slot: 2, incarnation: 1, descriptor: second)
        }
        try other.send(framed([255, 255, 255]))
        #expect(await stage.until { $0.mesh.peers == [2] })
        withExtendedLifetime(quiet) {}
        await stage.end()
    }

    @Test("a worker that does not read is seen as such, and again when it reads")
    func congestion() async throws {
        let stage = try await WorkerStage()
        let (own, other) = try pair()
        await stage.see { $0.mesh.connect(slot: 1, incarnation: 1, descriptor: own) }
        let frame = [UInt8](repeating: 0, count: 60_000)
        let isCongested = await stage.until { runtime in
            runtime.mesh.send(frame, to: 1)
            return runtime.shared.isMeshCongested
        }
        #expect(isCongested)
        let later = Loop.now + 20_000
        let health = await stage.see { $0.mesh.look(now: later) }
        #expect(health.congestedPeers == 1 && health.stalled?.slot == 1)
        #expect((10_000..<60_000).contains(health.longestCongestion))
        while await stage.see({ $0.shared.isMeshCongested }) { _ = try next(other) }
        #expect(await stage.see { $0.mesh.look(now: later) }.congestedPeers == 0)
        await stage.end()
    }
}
