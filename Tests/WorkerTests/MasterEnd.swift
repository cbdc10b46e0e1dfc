import Glibc
import IPC
import Network
import TestKit

@testable import Worker

/// The master's end of a worker's control channel, and the worker behind it in this process.
final class MasterEnd {
    private let channel: BlockingChannel
    private let exit = ExitBox()

    @LoopActor
    private final class ExitBox {
        var connection: MasterConnection?
        var status: Int32?

        func wait() async -> Int32? {
            let deadline = Loop.now + 10_000
            while status == nil, Loop.now < deadline { await Loop.pause(10) }
            return status
        }
    }

    init() async throws {
        precondition(Loop.runOnThread())
        var pair: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw TestFailure("no pair of sockets")
        }
        channel = BlockingChannel(adopting: pair[0], limit: FrameLimit.worker)
        await Self.start(pair[1], exit)
    }

    @LoopActor
    private static func start(_ descriptor: Int32, _ exit: ExitBox) {
        let arguments = WorkerArguments(slot: 0, incarnation: 1, workers: 1, logLevel: "error")
        exit.connection = MasterConnection(descriptor, arguments: arguments, catalog: []) { exit.status = $0 }
    }

    func send(_ message: MasterMessage, descriptor: Int32 = -1) throws {
        try channel.send(message.encoded(), descriptor: descriptor)
    }

    func send(bytes: [UInt8]) throws { try channel.send(bytes) }

    /// The next message that is no report; ten seconds for each of them.
    func next() throws -> WorkerMessage {
        while true {
            let message = try WorkerMessage(channel.receive(timeout: 10_000))
            if case .report = message { continue }
            return message
        }
    }

    /// The status with which the process was to end; nil after ten seconds without.
    func status() async -> Int32? { await exit.wait() }

    /// Closes the channel, as a master does that dies, and waits for the same.
    func die() async -> Int32? {
        shutdown(channel.descriptor, Int32(SHUT_RDWR))
        return await exit.wait()
    }
}
