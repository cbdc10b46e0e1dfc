import CPlatform
import Glibc
import Testing

@testable import Network

@LoopActor
final class PipeLog: PipeDelegate {
    let events = Events()
    var frames: [[UInt8]] = []
    var count = 0
    var isCongested = false
    var drained = 0
    var isClosed = false
    var keeps = true
    var onFrame: (Pipe) -> Void = { _ in }

    func pipe(_ pipe: Pipe, received frame: UnsafeRawBufferPointer) {
        count += 1
        if keeps { frames.append(Array(frame)) }
        onFrame(pipe)
        events.changed()
    }
    func pipeCongested(_ pipe: Pipe) {
        isCongested = true
        events.changed()
    }
    func pipeDrained(_ pipe: Pipe) {
        isCongested = false
        drained += 1
        events.changed()
    }
    func pipeClosed(_ pipe: Pipe) {
        isClosed = true
        events.changed()
    }
}

@Suite(.timeLimit(.minutes(5)))
struct PipeTests {
    init() { TestLoop.start() }

    @Test @LoopActor func framesArriveInOrderAndWhole() async {
        let (left, right) = Sockets.pair()
        let sent = PipeLog(), received = PipeLog()
        let a = Pipe(adopting: left, delegate: sent), b = Pipe(adopting: right, delegate: received)
        let frames = (0..<500).map { [UInt8](repeating: UInt8($0 & 255), count: $0 * 7) }
        for frame in frames { #expect(a.send(frame)) }
        #expect(await received.events.until { received.count == frames.count })
        #expect(received.frames == frames)
        #expect(b.send([1]))
        #expect(await sent.events.until { sent.frames == [[1]] })
        a.close()
        #expect(await received.events.until { received.isClosed })
        #expect(sent.isClosed && b.isClosed && !b.send([1]))
    }

    /// Whoever learns of the other's end by writing, or is told of it, has not read yet what came before.
    @Test(arguments: [false, true]) @LoopActor func whatWasSentBeforeTheEndIsReceived(isTold: Bool) async {
        let (left, right) = Sockets.pair()
        let log = PipeLog()
        let pipe = Pipe(adopting: left, delegate: log)
        let client = Client(right)
        // More than one read takes.
        let frame = [UInt8](repeating: 7, count: 30_000)
        for _ in 0..<4 { client.send([48, 117, 0, 0] + frame) }
        client.close()
        if isTold { pipe.closeAfterReading() } else { #expect(pipe.send([1])) }
        #expect(await log.events.until { log.isClosed })
        #expect(log.frames == Array(repeating: frame, count: 4))
    }

    @Test @LoopActor func aStreamInPiecesIsPutTogether() async {
        let (left, right) = Sockets.pair()
        let log = PipeLog()
        let pipe = Pipe(adopting: left, delegate: log)
        let client = Client(right)
        for byte in Frames.stream {
            client.send([byte])
            await Task.yield()
        }
        #expect(await log.events.until { log.frames == Frames.frames })
        client.close()
        #expect(await log.events.until { log.isClosed })
        _ = pipe
    }

    @Test @LoopActor func aWriterLearnsOfCongestionAndItsEnd() async {
        let (left, right) = Sockets.pair()
        let log = PipeLog()
        let pipe = Pipe(adopting: left, maximumFrame: 1000, queueLimit: 2_000_000, delegate: log)
        let client = Client(right)
        let frame = [UInt8](repeating: 5, count: 1000)
        var accepted = 0
        for _ in 0..<1500 where pipe.send(frame) { accepted += 1 }
        #expect(await log.events.until { log.isCongested })
        #expect(pipe.isCongested && pipe.queuedBytes > Pipe.highWater)
        while pipe.send(frame) { accepted += 1 }
        #expect(pipe.queuedBytes <= 2_000_000 + 4)
        #expect(!pipe.send([UInt8](repeating: 5, count: 1001)))
        let expected = accepted * 1004
        let got = await Aside.run { client.read(expected).count }
        #expect(got == expected)
        #expect(await log.events.until { log.drained == 1 })
        #expect(!pipe.isCongested)
        client.close()
        #expect(await log.events.until { log.isClosed })
    }

    @Test @LoopActor func aFrameBeyondTheBoundEndsThePipe() async {
        let (left, right) = Sockets.pair()
        let log = PipeLog()
        let pipe = Pipe(adopting: left, maximumFrame: 10, delegate: log)
        let client = Client(right)
        client.send([1, 0, 0, 0, 42, 11, 0, 0, 0])
        #expect(await log.events.until { log.isClosed })
        #expect(log.frames == [[42]])
        #expect(pipe.isClosed)
        client.close()
    }

    @Test @LoopActor func closingInACallbackStopsDelivery() async {
        let (left, right) = Sockets.pair()
        let log = PipeLog()
        let pipe = Pipe(adopting: left, delegate: log)
        log.onFrame = { $0.close() }
        let client = Client(right)
        client.send(Frames.stream)
        #expect(await log.events.until { log.isClosed })
        #expect(log.count == 1)
        client.close()
        _ = pipe
    }
}

@LoopActor
final class ControlLog: ControlPipeDelegate {
    let events = Events()
    var frames: [(bytes: [UInt8], descriptor: Int32?)] = []
    var isClosed = false
    func controlPipe(_ pipe: ControlPipe, received frame: [UInt8], descriptor: Int32?) {
        frames.append((frame, descriptor))
        events.changed()
    }
    func controlPipeClosed(_ pipe: ControlPipe) {
        isClosed = true
        events.changed()
    }
}

@Suite(.timeLimit(.minutes(5)))
struct ControlPipeTests {
    init() { TestLoop.start() }

    private func frame(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Array($0) } + bytes
    }

    @Test @LoopActor func aDescriptorBelongsToItsFrame() async throws {
        let (left, right) = Sockets.pair()
        let log = ControlLog()
        let pipe = ControlPipe(adopting: left, delegate: log)
        let (near, far) = Sockets.pair()
        let first = frame([1]), second = frame([2, 2]), third = frame([])
        #expect(cplatform_send_with_fd(right, first, first.count, -1) == first.count)
        #expect(cplatform_send_with_fd(right, second, second.count, far) == second.count)
        #expect(cplatform_send_with_fd(right, third, third.count, -1) == third.count)
        #expect(await log.events.until { log.frames.count == 3 })
        #expect(log.frames.map(\.bytes) == [[1], [2, 2], []])
        #expect(log.frames[0].descriptor == nil && log.frames[2].descriptor == nil)
        let passed = Client(try #require(log.frames[1].descriptor))
        passed.send("through")
        #expect(Client(near).readText(7) == "through")
        #expect(pipe.send([7, 8]))
        #expect(Client(right).read(6) == [2, 0, 0, 0, 7, 8])
        Glibc.close(right)
        #expect(await log.events.until { log.isClosed })
        #expect(!pipe.send([1]))
        for descriptor in [near, far, passed.descriptor] { Glibc.close(descriptor) }
    }

    @Test @LoopActor func framesInPiecesAndTooLongOnes() async {
        let (left, right) = Sockets.pair()
        let log = ControlLog()
        let pipe = ControlPipe(adopting: left, maximumFrame: 300, delegate: log)
        let client = Client(right)
        for byte in Frames.stream { client.send([byte]) }
        client.send([45, 1, 0, 0])
        #expect(await log.events.until { log.isClosed })
        #expect(log.frames.map(\.bytes) == Frames.frames)
        client.close()
        _ = pipe
    }

    @Test @LoopActor func aPeerThatDoesNotReadIsGivenUp() async {
        let (left, right) = Sockets.pair()
        let log = ControlLog()
        let pipe = ControlPipe(adopting: left, queueLimit: 1 << 20, delegate: log)
        for _ in 0..<64 where !pipe.isClosed { pipe.send([UInt8](repeating: 0, count: 1 << 16)) }
        #expect(await log.events.until { log.isClosed })
        Glibc.close(right)
    }

    @Test @LoopActor func closingEndsIt() async {
        let (left, right) = Sockets.pair()
        let log = ControlLog()
        let pipe = ControlPipe(adopting: left, delegate: log)
        pipe.close()
        #expect(await log.events.until { log.isClosed })
        #expect(Client(right).read().isEmpty)
        Glibc.close(right)
    }
}

/// Frames of all sizes, and the stream that they make.
private enum Frames {
    static let frames: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 7, count: 300), [9], []]
    static var stream: [UInt8] {
        frames.flatMap { frame in withUnsafeBytes(of: UInt32(frame.count).littleEndian) { Array($0) } + frame }
    }
}
