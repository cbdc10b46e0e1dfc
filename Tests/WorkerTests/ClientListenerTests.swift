import IPC
import Kernel
import Network
import SharedState
import TestKit
import Testing

@testable import Worker

@Suite("A listener counts, limits, and follows its configuration", .timeLimit(.minutes(2)))
struct ClientListenerTests {
    init() { precondition(Loop.runOnThread()) }

    /// How many connections the segment has for the first listener: open, accepted, refused.
    @LoopActor
    private func counts(_ stage: WorkerStage) -> [Int] {
        let counters = ListenerCounters(stage.segment)
        return [counters.open(0), Int(counters.accepted(0)), Int(counters.refused(0)), counters.pending(0)]
    }

    @Test("connections are counted in the segment while they are open")
    func counting() async throws {
        let stage = try await WorkerStage("")
        var clients = try (0..<3).map { _ in try StreamTranscript(port: stage.ports[0]) }
        #expect(await stage.until { $0.openConnections == 3 })
        #expect(await counts(stage) == [3, 3, 0, 0])
        clients.removeFirst()
        #expect(await stage.until { $0.openConnections == 2 })
        #expect(await counts(stage) == [2, 3, 0, 0])
        #expect(WorkerCells(stage.segment).read(0, .connections) == 2)
        await stage.end()
    }

    @Test("max_connections holds over all workers, and a place that is given up is taken")
    func limit() async throws {
        let stage = try await WorkerStage("max_connections = 2")
        let other = ListenerCounters(stage.segment)
        stage.segment.use(1)
        #expect(other.admit(0, slot: 1))
        let first = try StreamTranscript(port: stage.ports[0])
        #expect(await stage.until { $0.openConnections == 1 })
        let second = try StreamTranscript(port: stage.ports[0])
        try second.say(Lines.header)
        #expect(await stage.see { ($0.listeners[0] as? ClientListener)?.sockets.isOpen } == false)
        #expect(await stage.see { $0.openConnections } == 1)
        other.close(0, slot: 1)
        #expect(try second.hear(until: "</stream:features>") == Lines.answer + Lines.features)
        try first.say(Lines.header)
        _ = try first.hear(until: "</stream:features>")
        await stage.end()
    }

    @Test("behind a proxy that says nothing is refused, and who it names is the client")
    func proxy() async throws {
        let stage = try await WorkerStage("proxy_protocol = true")
        let wrong = try StreamTranscript(port: stage.ports[0])
        try wrong.say(Lines.header)
        #expect(try wrong.hear() == "")
        #expect(await counts(stage) == [0, 0, 1, 0])
        let right = try StreamTranscript(port: stage.ports[0])
        try right.say("PROXY TCP4 192.0.2.7 127.0.0.1 4711 5222\r\n" + Lines.header)
        #expect(try right.hear(until: "</stream:features>") == Lines.answer + Lines.features)
        #expect(await stage.see { $0.listeners[0].streams.map { ($0 as? ClientDriver)?.carrier.address } } == ["192.0.2.7"])
        await stage.end()
    }

    @Test("a reload changes what new streams are offered; open ones and their listener stay")
    func reload() async throws {
        let stage = try await WorkerStage("")
        let old = try StreamTranscript(port: stage.ports[0])
        try old.say(Lines.header)
        _ = try old.hear(until: "</stream:features>")
        let bundle = await stage.bundle("allowed_auth_methods = [\"dummy\"]")
        let port = stage.ports[0]
        let effects = try await stage.apply(bundle, [WorkerStage.descriptor(0, port)])
        #expect(effects.closings.isEmpty)
        let new = try StreamTranscript(port: port)
        try new.say(Lines.header)
        #expect(try new.hear(until: "stream:features>") != Lines.answer + Lines.features)
        try old.say(Lines.footer)
        #expect(try old.hear() == Lines.footer)
        await stage.end()
    }

    @Test("a listener that is gone ends its streams with reset, a host that is gone with host-gone")
    func gone() async throws {
        let stage = try await WorkerStage("", "")
        try await stage.account("romeo")
        let clients = try stage.ports.map { try StreamTranscript(port: $0) }
        for client in clients {
            try client.say(Lines.header)
            _ = try client.hear(until: "</stream:features>")
        }
        try clients[0].say(Lines.auth + Lines.header + Lines.bind)
        _ = try clients[0].hear(until: "</iq>")
        let ports = stage.ports
        let effects = try await stage.apply(await stage.bundle(""), [WorkerStage.descriptor(0, ports[0])])
        #expect(
            effects.closings == [.init(cause: .listener, subject: "127.0.0.1:\(ports[1])", sessions: 0, others: 1)])
        let reset =
            "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>This address is no longer served</text></stream:error>"
        #expect(try clients[1].hear() == reset + Lines.footer)
        let other = await stage.bundle("").replacing("localhost", with: "verona.example")
        let last = try await stage.apply(other, [WorkerStage.descriptor(0, ports[0])])
        #expect(last.closings == [.init(cause: .host, subject: "localhost", sessions: 1, others: 0)])
        #expect(
            try clients[0].hear()
                == "<stream:error><host-gone xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>" + Lines.footer)
        await stage.end()
    }

    @Test("the end of a worker is told to every client, with or without a session")
    func shutdown() async throws {
        let stage = try await WorkerStage("")
        try await stage.account("romeo")
        let bound = try StreamTranscript(port: stage.ports[0])
        try bound.say(Lines.header + Lines.auth + Lines.header + Lines.bind)
        _ = try bound.hear(until: "</iq>")
        let opening = try StreamTranscript(port: stage.ports[0])
        #expect(await stage.until { $0.openConnections == 2 })
        let reports = Reports()
        let runtime = stage.runtime
        async let stopped: Void = WorkerShutdown(runtime, deadline: 5_000) { reports.all.append($0) }.stop()
        let end = "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>" + Lines.footer
        #expect(try bound.hear() == end)
        #expect(try opening.hear() == Lines.answer + end)
        await stopped
        #expect(await reports.all.last == LeaveReport(sessions: 0, connections: 0, moved: 0, moving: 0))
    }
}

/// What a worker says of its end.
@LoopActor
private final class Reports {
    var all: [LeaveReport] = []
}

extension ConfigurationBundle {
    /// The same with another word everywhere.
    fileprivate func replacing(_ word: String, with other: String) -> ConfigurationBundle {
        ConfigurationBundle(
            path: path, text: Array(String(decoding: text, as: UTF8.self).replacing(word, with: other).utf8), files: files)
    }
}
