internal import IPC
internal import Kernel
internal import Network
internal import XMPP

/// The end of a worker, in order: at once, or after its sessions have gone elsewhere.
@LoopActor
final class WorkerShutdown {
    /// How often sessions are asked to move, and the master is told how far it is, in milliseconds.
    private static let step: Int64 = 100
    /// How long a client that was told the end may take to close its connection, in milliseconds.
    private static let farewellMilliseconds: Int64 = 750
    /// How long sessions whose new worker has not confirmed them are waited for, after everything else, in milliseconds.
    private static let movePatienceMilliseconds: Int64 = 5_000

    private let runtime: WorkerRuntime
    private let report: @LoopActor (LeaveReport) -> Void
    /// When everybody who is still here is told to go; nobody is given longer than that.
    private var deadline: Int64
    private var reported: LeaveReport?

    init(_ runtime: WorkerRuntime, deadline milliseconds: Int64, report: @escaping @LoopActor (LeaveReport) -> Void) {
        self.runtime = runtime
        self.report = report
        deadline = Loop.now + milliseconds
    }

    /// Nobody need be waited for any more: the whole server stops.
    func hasten(deadline milliseconds: Int64) {
        isHastened = true
        deadline = min(deadline, Loop.now + milliseconds)
    }

    private var isHastened = false

    /// Ends every stream now.
    func stop() async {
        runtime.stopAccepting(othersGoOn: false)
        await end(by: deadline, handsOver: false)
    }

    /// Accepts no more; sessions that can be resumed move to the successor or, if that dies, to another worker, the others may
    /// stay until the deadline.
    func drain(to successor: UInt8) async {
        runtime.stopAccepting(othersGoOn: true)
        runtime.leave()
        var succession = MigrationTarget(to: successor, now: Loop.now)
        while !isHastened, Loop.now < deadline, !isEmpty || !runtime.server.ownership.isIdle {
            runtime.moveSessions(to: succession.place(among: runtime.server.livePeers.keys, now: Loop.now))
            tell()
            await Loop.pause(Self.step)
        }
        tell()
        await end(by: isHastened ? deadline : Loop.now + Self.movePatienceMilliseconds, handsOver: !isHastened)
    }

    private var isEmpty: Bool {
        runtime.openConnections == 0 && runtime.server.localSessions.isEmpty && runtime.server.sessionsOnTheMove == 0
            && runtime.server.isIdle
    }

    /// Whoever is still here is told why and given a moment to close; what is on the move arrives first.
    /// - Parameter handsOver: others go on, with what this worker owned.
    private func end(by deadline: Int64, handsOver: Bool) async {
        runtime.endAll(StreamError(.systemShutdown))
        let farewell = min(Loop.now + Self.farewellMilliseconds, deadline)
        while runtime.openConnections > 0, Loop.now < farewell {
            tell()
            await Loop.pause(20)
        }
        runtime.closeAll()
        runtime.endDetached()
        while !isEmpty || handsOver && !runtime.server.ownership.isIdle, Loop.now < deadline {
            tell()
            await Loop.pause(20)
        }
        tell()
        runtime.server.ownership.refuseWaiting()
        await runtime.finish()
    }

    private func tell() {
        let load = LeaveReport(
            sessions: UInt32(clamping: runtime.server.localSessions.count), connections: UInt32(clamping: runtime.openConnections),
            moved: UInt32(clamping: runtime.sessionsMoved), moving: UInt32(clamping: runtime.server.sessionsOnTheMove))
        guard load != reported else { return }
        reported = load
        report(load)
    }
}
