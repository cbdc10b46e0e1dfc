import CPlatform
import Glibc
import IPC
import Testing

@testable import Master

@Suite(.timeLimit(.minutes(5)))
struct FrameChannelTests {
    private let loop = EventLoop()

    /// A channel on the loop and the other end of its socket.
    private func channel(
        queueLimit: Int = 1 << 20, _ handler: @escaping (FrameChannel.Event) -> Void = { _ in }
    ) throws -> (FrameChannel, BlockingChannel) {
        let (near, far) = try Descriptor.streamPair()
        let other = BlockingChannel(adopting: dup(far.number), limit: 1 << 20)
        return (FrameChannel(near, on: loop, frameLimit: 1 << 16, queueLimit: queueLimit, handler), other)
    }

    @Test func aFullQueueRefusesAndDrainsInOrder() throws {
        let (channel, other) = try channel(queueLimit: 300_000)
        var sent = 0
        while channel.send(
            Frame.encode(kind: 1) {
                $0.uint32(UInt32(sent))
                $0.rest([UInt8](repeating: 0, count: 9_990))
            })
        { sent += 1 }
        #expect(channel.queuedBytes > 290_000 && channel.queuedBytes <= 300_000)
        var received = 0
        loop.run {
            while let frame = try? other.receive(timeout: 0) {
                var reader = ByteReader(frame.payload)
                #expect((try? reader.uint32()) == UInt32(received))
                received += 1
            }
            return received == sent
        }
        #expect(channel.queuedBytes == 0)
    }

    @Test func descriptorsKeepTheirPlaceInAQueueThatWaits() throws {
        let (channel, other) = try channel(queueLimit: 4 << 20)
        let inodes = try (0..<5).map { index -> ino_t in
            #expect(channel.send(Frame.encode(kind: 0) { $0.rest([UInt8](repeating: 0, count: 300_000)) }))
            let (end, _) = try Descriptor.streamPair()
            #expect(channel.send(Frame.encode(kind: 7) { $0.uint8(UInt8(index)) }, end))
            return inode(end.number)
        }
        var received: [ino_t] = []
        loop.run {
            while let frame = try? other.receive(timeout: 0) {
                if frame.kind == 7, let descriptor = other.takeDescriptor() {
                    received.append(inode(descriptor))
                    close(descriptor)
                }
            }
            return received.count == 5
        }
        #expect(received == inodes)
    }

    @Test func whatCameBeforeTheEndIsHeardBeforeTheEnd() throws {
        var heard: [String] = []
        var (channel, other): (FrameChannel, BlockingChannel?) = try channel {
            switch $0 {
            case .frame(let frame): heard.append("\(frame.kind)")
            case .malformed: heard.append("malformed")
            case .closed: heard.append("closed")
            }
        }
        for kind in UInt16(1)...3 { try other?.send(Frame.encode(kind: kind) { _ in }) }
        other = nil
        withExtendedLifetime(channel) { loop.run { heard.last == "closed" } }
        #expect(heard == ["1", "2", "3", "closed"])
    }

    @Test func nothingIsReadAfterWhatIsNoFrame() throws {
        var heard: [String] = []
        let (channel, other) = try channel {
            switch $0 {
            case .frame: heard.append("frame")
            case .malformed(let error): heard.append(error.description)
            case .closed: heard.append("closed")
            }
        }
        try other.send([0xFF, 0xFF, 0xFF, 0xFF] + Frame.encode(kind: 1) { _ in })
        withExtendedLifetime(channel) { loop.run { !heard.isEmpty } }
        #expect(heard == [WireError.oversize(4_294_967_295, limit: 1 << 16).description])
    }

    private func inode(_ descriptor: Int32) -> ino_t {
        var facts = stat()
        fstat(descriptor, &facts)
        return facts.st_ino
    }
}
