import Glibc
import IPC
import SharedState
import TestKit
import Testing

@testable import Worker

@Suite("What a worker and its master say to one another", .timeLimit(.minutes(2)))
struct MasterConnectionTests {
    private let directory: ScratchDirectory

    init() throws { directory = try ScratchDirectory() }

    private static let hello = WorkerMessage.hello(Hello(pid: getpid(), slot: 0, incarnation: 1))

    /// A worker that serves clients at that port.
    private func started() async throws -> (MasterEnd, UInt16) {
        let master = try await MasterEnd()
        #expect(try master.next() == Self.hello)
        try master.send(.configure(WorkerStage.bundle([""], in: directory)))
        let segment = try SharedSegment.create(workers: 128, sessions: 10)
        try master.send(.segment, descriptor: segment.descriptor)
        let socket = try ListeningSocket()
        try master.send(.listener(WorkerStage.descriptor(0, socket.port)), descriptor: socket.descriptor)
        try master.send(.start)
        #expect(try master.next() == .ready)
        close(socket.descriptor)
        return (master, socket.port)
    }

    @Test("hello, start, ready, a verb, and the end when it is asked for")
    func life() async throws {
        let (master, port) = try await started()
        let client = try StreamTranscript(port: port)
        try client.say(Lines.header)
        #expect(try client.hear(until: "</stream:features>") == Lines.answer + Lines.features)
        try master.send(.operation(id: 7, verb: "account.count", arguments: ["domain": .string("localhost")]))
        #expect(try master.next() == .operationReply(id: 7, .success(["count": .int(0)])))
        try master.send(.stop(deadlineMilliseconds: 5_000))
        let end = "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
        #expect(try client.hear() == end)
        var message = try master.next()
        while case .leaving = message { message = try master.next() }
        #expect(message == .stopped)
        #expect(await master.status() == 0)
    }

    @Test("a malformed message is the end, with a status of its own")
    func malformed() async throws {
        let master = try await MasterEnd()
        try master.send(bytes: Frame.encode(kind: 60_000) { $0.uint16(1) })
        #expect(await master.status() == 70)
    }

    @Test("a start without a configuration and a segment is malformed, too")
    func startTooEarly() async throws {
        let master = try await MasterEnd()
        try master.send(.start)
        #expect(await master.status() == 70)
    }

    @Test("a configuration that cannot be served is refused with its problems, and the worker leaves")
    func refused() async throws {
        let master = try await MasterEnd()
        #expect(try master.next() == Self.hello)
        try master.send(.configure(WorkerStage.bundle(["max_connections = 0"], in: directory)))
        let segment = try SharedSegment.create(workers: 1, sessions: 10)
        try master.send(.segment, descriptor: segment.descriptor)
        try master.send(.start)
        guard case .refused(let problems) = try master.next() else {
            Issue.record("it was not refused")
            return
        }
        #expect(problems.map(\.path) == ["listen.c2s[1].max_connections"])
        #expect(await master.status() == 78)
    }

    @Test("a configuration is put in force when it is committed, and one that was given up never")
    func reload() async throws {
        let (master, port) = try await started()
        let listeners = [WorkerStage.descriptor(0, port)]
        try master.send(.prepare(generation: 2, WorkerStage.bundle(["wrong = 1"], in: directory), workers: 1, listeners: listeners))
        guard case .rejected(generation: 2, let problems) = try master.next() else {
            Issue.record("it was not rejected")
            return
        }
        #expect(problems.map(\.path) == ["listen.c2s[1].wrong"])
        try master.send(.abort(generation: 2))
        try master.send(.prepare(generation: 3, WorkerStage.bundle([], in: directory), workers: 1, listeners: []))
        #expect(try master.next() == .prepared(generation: 3))
        try master.send(.commit(generation: 2))
        let client = try StreamTranscript(port: port)
        try client.say(Lines.header)
        _ = try client.hear(until: "</stream:features>")
        try master.send(.commit(generation: 3))
        guard case .committed(generation: 3, let effects) = try master.next() else {
            Issue.record("not committed")
            return
        }
        #expect(
            effects.closings
                == [ReloadEffects.Closing(cause: .listener, subject: "127.0.0.1:\(port)", sessions: 0, others: 1)])
        #expect(try client.hear().contains("<reset "))
        try master.send(.stop(deadlineMilliseconds: 1_000))
        #expect(await master.status() == 0)
    }

    @Test("without its master a worker leaves")
    func orphaned() async throws {
        #expect(await (try await MasterEnd()).die() == 0)
    }
}
