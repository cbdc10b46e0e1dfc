import CPlatform
import Glibc
import Testing

@testable import IPC

@Suite(.timeLimit(.minutes(5)))
struct BlockingChannelTests {
    private func pair() throws -> (BlockingChannel, BlockingChannel) {
        var ends: [Int32] = [-1, -1]
        try #require(cplatform_socketpair(&ends, 0) == 0)
        return (BlockingChannel(adopting: ends[0], limit: 1 << 20), BlockingChannel(adopting: ends[1], limit: 1 << 20))
    }

    @Test func framesAndDescriptorsArriveInOrder() throws {
        let (left, right) = try pair()
        var pipes: [[Int32]] = []
        for number in UInt8(0)..<5 {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            pipes.append(ends)
            try left.send(MasterMessage.meshGone(slot: number, incarnation: 0).encoded())
            try left.send(MasterMessage.mesh(slot: number, incarnation: 1).encoded(), descriptor: ends[0])
        }
        for number in UInt8(0)..<5 {
            #expect(try MasterMessage(right.receive(timeout: 5_000)) == .meshGone(slot: number, incarnation: 0))
            #expect(try MasterMessage(right.receive(timeout: 5_000)) == .mesh(slot: number, incarnation: 1))
            let received = try #require(right.takeDescriptor())
            #expect(fcntl(received, F_GETFD) & FD_CLOEXEC != 0)
            // The descriptor is the pipe whose number its frame names.
            #expect(write(pipes[Int(number)][1], [number], 1) == 1)
            var byte: UInt8 = 255
            #expect(read(received, &byte, 1) == 1)
            #expect(byte == number)
            close(received)
        }
        #expect(right.takeDescriptor() == nil)
        for end in pipes.joined() { close(end) }
    }

    @Test func saysWhyNothingCame() throws {
        let (left, right) = try pair()
        #expect(throws: BlockingChannel.Failure.timeout) { try right.receive(timeout: 0) }
        #expect(write(left.descriptor, [9, 0, 0, 0, 1], 5) == 5)
        shutdown(left.descriptor, Int32(SHUT_WR))
        #expect(throws: BlockingChannel.Failure.closed(withinFrame: true)) { try right.receive(timeout: 5_000) }
    }

    @Test func sendingToNobodyIsAnErrorNotASignal() throws {
        let (left, right) = try pair()
        _ = consume right
        #expect(throws: BlockingChannel.Failure.system(EPIPE)) {
            for _ in 0..<100 { try left.send(MasterMessage.start.encoded()) }
        }
    }
}
