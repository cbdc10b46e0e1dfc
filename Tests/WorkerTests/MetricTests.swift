import Glibc
import IPC
import Kernel
import Modules
import Network
import SharedState
import Storage
import TestKit
import Testing
import XMPP

@testable import Worker

/// What a worker tells of itself is what happens in it. A number without an event is one that nobody has seen grow.
@Suite("Each number of a worker grows by its event", .timeLimit(.minutes(5)))
struct MetricTests {
    init() { precondition(Loop.runOnThread()) }

    @Test("as the row of its event says", arguments: Metric.allCases)
    func grows(_ metric: Metric) async throws {
        try await MetricBench.use { bench in
            let before = await bench.value(of: metric)
            let trace = try await cause(metric, on: bench)
            #expect(await bench.becomesMore(metric, than: before), "\(metric) stays \(before)")
            withExtendedLifetime(trace) {}
        }
    }

    /// Makes happen what the number counts. What comes back is to live until that has been seen.
    private func cause(_ metric: Metric, on bench: MetricBench) async throws -> [Any] {
        switch metric {
        case .connections, .loopTurns: return [try StreamTranscript(port: bench.port)]
        case .bytesReceived, .bytesSent: return [try bench.opened()]
        case .storageTransactions:
            try await bench.stage.account("juliet")
            return []
        case .sessions, .loginsSucceeded: return [try await bench.bound()]
        case .loginsFailed: return [try bench.refused()]
        case .stanzasReceived, .stanzasSent, .messagesDelivered:
            return [
                try await bench.bound(
                    saying: "<message to='romeo@localhost/r' id='m'><body>x</body></message>", until: "</message>")
            ]
        case .messagesStoredOffline:
            try await bench.stage.account("juliet")
            return [try await bench.bound(saying: "<message to='juliet@localhost' type='chat'><body>x</body></message>")]
        case .stanzasBounced:
            let request = "<iq type='get' id='q' to='nobody@localhost/r'><query xmlns='jabber:iq:version'/></iq>"
            return [try await bench.bound(saying: request, until: "</iq>")]
        case .streamErrors: return [try bench.opened(saying: "<a></b>", until: Lines.footer)]
        case .registrations:
            let form = "<query xmlns='jabber:iq:register'><username>juliet</username><password>secret</password></query>"
            return [try bench.opened(saying: "<iq type='set' id='1'>\(form)</iq>", until: "/>")]
        case .tlsHandshakes, .tlsFailures:
            let socket = try TCPSocket(port: bench.directPort)
            if metric == .tlsHandshakes { _ = try socket.startTLS(domain: WorkerStage.domain) }
            if metric == .tlsFailures { try socket.send(Array(Lines.header.utf8)) }
            return [socket]
        case .hibernations: return [try await bench.bound()]
        case .slowReadersClosed:
            let client = try await bench.bound()
            let large = [UInt8](repeating: UInt8(ascii: "x"), count: 9 << 20)
            let isClosed = await bench.stage.until { runtime in
                for session in runtime.server.localSessions { session.deliver(.message, large) }
                return runtime.server.localSessions.isEmpty
            }
            #expect(isClosed)
            return [client]
        case .storageFailures: return [try await bench.breakStorage()]
        case .storageQueue: return [try await bench.holdStorage()]
        case .longTurns, .longestTurn:
            Loop.submit { usleep(useconds_t(TurnClock.longTurn) + 20_000) }
            return []
        case .loopLag:
            await bench.pass(30_000)
            return []
        case .meshFramesSent, .meshBytesSent: return [try await bench.neighbour()]
        case .meshFramesReceived, .meshBytesReceived:
            let neighbour = try await bench.neighbour()
            try neighbour.greet()
            return [neighbour]
        case .meshCongestedPeers, .meshCongestions, .meshCongestedMilliseconds: return [try await bench.silentNeighbour()]
        case .readPauses:
            let client = try await bench.bound()
            let neighbour = try await bench.silentNeighbour()
            try client.say("<presence/>")
            return [neighbour, client]
        case .outgoingMigrations, .oldestMigration:
            let client = try await bench.bound(saying: "<enable xmlns='urn:xmpp:sm:3' resume='true'/>", until: "/>")
            let neighbour = try await bench.neighbour()
            try neighbour.greet()
            let isMoving = await bench.stage.until { runtime in
                runtime.moveSessions(to: 1)
                return runtime.server.sessionsOnTheMove > 0
            }
            #expect(isMoving)
            return [neighbour, client]
        }
    }
}

/// A worker whose time stands until its numbers are looked at.
private final class MetricBench: Sendable {
    let stage: WorkerStage
    let port: UInt16
    /// That of the listener with TLS from the first byte.
    let directPort: UInt16
    private let cells: WorkerCells

    /// Time runs again at the end, also where the work fails.
    static func use(_ work: (MetricBench) async throws -> Void) async throws {
        let bench = try await MetricBench()
        await LoopClock.stop()
        do {
            try await work(bench)
        } catch {
            await bench.end()
            throw error
        }
        await bench.end()
    }

    private init() async throws {
        let directory = try ScratchDirectory()
        let (tls, files) = WorkerStage.tls("tls", try Certificate(in: directory), in: directory)
        stage = try await WorkerStage(
            "hibernate_after = 1000\nc2s_state_timeout = \"infinity\"", "c2s_state_timeout = \"infinity\"\n\(tls)",
            rest: "[modules.mod_offline]\n[modules.mod_register]\n[modules.mod_stream_management]", files: files,
            catalog: [OfflineMessages.self, Registration.self, StreamManagement.self])
        (port, directPort) = (stage.ports[0], stage.ports[1])
        cells = WorkerCells(stage.segment)
        try await stage.account("romeo")
        await stage.see { $0.begin() }
    }

    private func end() async {
        await LoopClock.run()
        await stage.end()
    }

    // MARK: Numbers

    func value(of metric: Metric) async -> Int64 {
        await pass(2_000)
        return cells.read(0, metric)
    }

    /// Whether it does, as often as the worker tells it, until ten seconds have passed on a clock that runs.
    func becomesMore(_ metric: Metric, than before: Int64) async -> Bool {
        let deadline = Deadline(seconds: 10)
        while cells.read(0, metric) <= before {
            if deadline.hasPassed { return false }
            await pass(1_000)
            usleep(500)
        }
        return true
    }

    @LoopActor func pass(_ milliseconds: Int64) async {
        LoopClock.advance(to: Loop.now + milliseconds)
        await Loop.nextTurn()
        while !LoopClock.isIdle { await Loop.nextTurn() }
    }

    // MARK: Clients

    func opened(saying text: String = "", until end: String? = nil) throws -> StreamTranscript {
        let client = try StreamTranscript(port: port)
        try client.say(Lines.header)
        _ = try client.hear(until: "</stream:features>")
        try client.say(text)
        if let end { _ = try client.hear(until: end) }
        return client
    }

    func refused() throws -> StreamTranscript {
        try opened(
            saying: Lines.auth.replacing("AHJvbWVvAHNlY3JldA==", with: Base64.encode(Array("\0romeo\0wrong".utf8))),
            until: "</failure>")
    }

    /// A session of romeo's.
    func bound(saying text: String = "", until end: String? = nil) async throws -> StreamTranscript {
        let client = try opened(saying: Lines.auth + Lines.header + Lines.bind, until: "</iq>")
        try client.say(text)
        if let end { _ = try client.hear(until: end) }
        return client
    }

    // MARK: Other workers

    /// Another worker, as this one sees it.
    final class Neighbour {
        private let channel: BlockingChannel

        init(_ descriptor: Int32) { channel = BlockingChannel(adopting: descriptor, limit: 1 << 24) }

        /// Says that it knows this one.
        func greet() throws {
            let frame = MeshFrame.greeting.encoded()
            try channel.send(withUnsafeBytes(of: UInt32(frame.count).littleEndian) { Array($0) } + frame)
        }
    }

    func neighbour() async throws -> Neighbour {
        var pair: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw TestFailure("no pair of sockets")
        }
        let own = pair[0]
        await stage.see { $0.mesh.connect(slot: 1, incarnation: 1, descriptor: own) }
        return Neighbour(pair[1])
    }

    /// One that reads nothing, with a way to it that is full.
    func silentNeighbour() async throws -> Neighbour {
        let neighbour = try await neighbour()
        let isFull = await stage.until { runtime in
            runtime.mesh.send([UInt8](repeating: 0, count: 60_000), to: 1)
            return runtime.shared.isMeshCongested
        }
        guard isFull else { throw TestFailure("the way to a worker that does not read does not become full") }
        return neighbour
    }

    // MARK: Storage

    private func database() async throws -> SQLiteDatabase {
        try SQLiteDatabase(path: await stage.databasePath) { Issue.record("\($1): \($0)") }
    }

    /// Takes a table away and has it asked for.
    func breakStorage() async throws -> SQLiteDatabase {
        let database = try await database()
        try await database.write(.durable) { connection throws(StorageError) in
            _ = try connection.execute("DROP TABLE account")
        }
        _ = await stage.runtime.server.perform("account.exists", ["jid": "romeo@localhost"])
        return database
    }

    /// Has accounts to be stored while another process has the turn to write.
    func holdStorage() async throws -> WriteTurn {
        let turn = try WriteTurn(of: await stage.databasePath)
        for user in ["a", "b", "c"] { Loop.spawn { [stage] in try? await stage.account(user) } }
        return turn
    }

    /// The turn to write into a database, which no process gets until nobody refers to this one.
    final class WriteTurn: Sendable {
        private let file: Int32

        init(of path: String) throws {
            file = open(path + "-turn", O_RDWR | O_CLOEXEC)
            guard file >= 0, flock(file, LOCK_EX) == 0 else { throw TestFailure("the turn to write cannot be had") }
        }

        deinit { close(file) }
    }
}
