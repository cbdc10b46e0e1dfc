import Glibc
import Testing

@testable import Network

/// The loop that all tests of this room share, on a thread of its own.
enum TestLoop {
    static func start() { precondition(Loop.runOnThread()) }
}

/// Waits for facts on the loop: no sleeping, a deadline for failures only.
@LoopActor
final class Events {
    private var waiters: [(condition: () -> Bool, resume: (Bool) -> Void)] = []

    /// To be called after anything that a waiter may wait for.
    func changed() {
        let now = waiters
        waiters = []
        for waiter in now {
            if waiter.condition() { waiter.resume(true) } else { waiters.append(waiter) }
        }
    }

    /// Whether the condition came true within ten seconds.
    func until(_ condition: @escaping @LoopActor () -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            // Looked at in here: a test's task may leave the loop for a moment on the way in.
            if condition() { return continuation.resume(returning: true) }
            var isOver = false
            let timer = Loop.after(10_000) {
                if !isOver {
                    isOver = true
                    continuation.resume(returning: false)
                }
            }
            waiters.append(
                (
                    condition: { isOver || condition() },
                    resume: { result in
                        timer.cancel()
                        if !isOver {
                            isOver = true
                            continuation.resume(returning: result)
                        }
                    }
                ))
        }
    }
}

/// A server on the loop whose delegates do what the test says and remember what happened.
@LoopActor
final class TestServer {
    let listener: Listener
    nonisolated let port: UInt16
    let events = Events()
    var sessions: [TestSession] = []
    var troubles: [Int32] = []

    init(_ behaviour: @escaping @LoopActor (TestSession) -> Void = { _ in }) {
        let (descriptor, port) = Sockets.listen()
        self.port = port
        var accept: (@LoopActor (Connection) -> (any ConnectionDelegate)?)?
        listener = Listener(adopting: descriptor) { accept?($0) }
        accept = { [unowned self] connection in
            let session = TestSession(connection, events)
            behaviour(session)
            sessions.append(session)
            events.changed()
            return session
        }
    }

    /// The first session, once somebody has connected.
    func session(_ index: Int = 0) async throws -> TestSession {
        #expect(await events.until { self.sessions.count > index })
        return try #require(sessions.indices.contains(index) ? sessions[index] : nil)
    }
}

@LoopActor
final class TestSession: ConnectionDelegate {
    let connection: Connection
    private let events: Events
    var received: [UInt8] = []
    var chunks = 0
    var isSecured = false
    var facts: TLSFacts?
    var hasEnded = false
    var drained = 0
    var reason: CloseReason?
    var problem: CompressionProblem?
    var onReceive: (TestSession, UnsafeRawBufferPointer) -> Void = { _, _ in }
    var onEnd: (TestSession) -> Void = { $0.connection.close(afterFlush: true) }
    var onSecured: (TestSession) -> Void = { _ in }
    var onProblem: (TestSession) -> Void = { $0.connection.close(afterFlush: true) }

    init(_ connection: Connection, _ events: Events) {
        self.connection = connection
        self.events = events
    }

    func until(_ condition: @escaping @LoopActor (TestSession) -> Bool) async -> Bool {
        await events.until { condition(self) }
    }

    func connection(_ connection: Connection, received bytes: UnsafeRawBufferPointer) {
        received.append(contentsOf: bytes)
        chunks += 1
        onReceive(self, bytes)
        events.changed()
    }
    func connectionSecured(_ connection: Connection) {
        isSecured = true
        facts = connection.tls
        onSecured(self)
        events.changed()
    }
    func connectionEnded(_ connection: Connection) {
        hasEnded = true
        onEnd(self)
        events.changed()
    }
    func connectionDrained(_ connection: Connection) {
        drained += 1
        events.changed()
    }
    func connection(_ connection: Connection, cannotInflate problem: CompressionProblem) {
        self.problem = problem
        onProblem(self)
        events.changed()
    }
    func connectionClosed(_ connection: Connection, reason: CloseReason) {
        self.reason = reason
        events.changed()
    }
}
