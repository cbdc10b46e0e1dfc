internal import Glibc
public import Network
internal import Synchronization
internal import Telemetry

/// Connections to one service, each made when it is first needed and used by one thread at a time.
///
/// Whoever asks waits without holding up the loop: for a free connection, then for the answer, both together for at most
/// the pool's time. What waits is bounded. A service that cannot be reached, or says nothing, is not asked again
/// before a try of the pool's own has reached it, so that nobody waits for what is known to be down.
@LoopActor
public final class ServicePool<Connection: ServiceConnection> {
    public typealias Connecting = @Sendable (Deadline) -> Result<Connection, ServiceFailure>
    public typealias Work<Answer> = @Sendable (Connection, Deadline) -> Result<Answer, ServiceFailure>

    /// How long a connection may take to be made, in milliseconds, where the pool's time is longer.
    nonisolated static var connectMilliseconds: Int64 { 5000 }
    /// The loop gives up a little after the thread should have: a library may wait where it was told not to.
    private static var graceMilliseconds: Int64 { 500 }

    let settings: PoolSettings
    private let threads: BlockingPool
    private let shelf: IdleConnections<Connection>
    private var policy: PoolPolicy
    /// Those who wait for an answer, by number.
    private var calls: [UInt64: PendingCall] = [:]
    private var lastCall: UInt64 = 0
    private var failures: UInt64 = 0
    private var retry: Loop.Timer?
    private var refresh: Loop.Timer?
    private var isStopped = false

    init(_ settings: PoolSettings, connect: @escaping Connecting) {
        self.settings = settings
        threads = BlockingPool(threads: settings.connections, bound: settings.connections * settings.bound)
        shelf = IdleConnections(connect: connect, timeoutMilliseconds: Self.connectMilliseconds)
        policy = PoolPolicy(settings.patience, now: Loop.now)
        if let interval = settings.keepAlive {
            refresh = Loop.every(interval) { [weak self] in self?.keepAlive(everyMilliseconds: interval) }
        }
        probe()
    }

    /// Asks the service.
    /// - Parameter isRepeatable: whether asking twice does no harm; done where an old connection turns out to be broken.
    public func perform<Answer: Sendable>(
        isRepeatable: Bool = true, _ work: @escaping Work<Answer>
    ) async -> Result<Answer, ServiceFailure> {
        guard !isStopped else { return .failure(.notAsked("\(settings.name) is no longer configured")) }
        guard policy.admits() else { return .failure(.notAsked("\(settings.name) is down: \(policy.reason)")) }
        lastCall += 1
        let (id, ticket) = (lastCall, Ticket())
        let deadline = Deadline(in: settings.callMilliseconds)
        return await withCheckedContinuation { continuation in
            let call = PendingCall(ticket: ticket) { failure in continuation.resume(returning: .failure(failure)) }
            calls[id] = call
            call.timer = Loop.after(settings.callMilliseconds + Self.graceMilliseconds) { [self] in expired(id) }
            let isTaken = threads.submit { [self, shelf, ticket] in
                guard ticket.begin() else { return }
                let outcome = shelf.ask(work, isRepeatable, deadline)
                Loop.submit { [self] in
                    guard let call = finish(id, outcome.event) else { return }
                    call.timer?.cancel()
                    continuation.resume(returning: outcome.answer)
                }
            }
            if !isTaken { refuse(id) }
        }
    }

    /// Takes note of what a question showed, and gives the call if somebody still waits for it.
    private func finish(_ id: UInt64, _ event: IdleConnections<Connection>.Event) -> PendingCall? {
        note(event, isProbe: false)
        if case .connected = event { policy.withdrawn() }
        return calls.removeValue(forKey: id)
    }

    private func refuse(_ id: UInt64) {
        guard let call = calls.removeValue(forKey: id) else { return }
        policy.withdrawn()
        call.timer?.cancel()
        call.fail(.notAsked("too many wait for \(settings.name)"))
    }

    private func expired(_ id: UInt64) {
        guard let call = calls.removeValue(forKey: id) else { return }
        let failure = ServiceFailure.silent("no answer in \(settings.callMilliseconds) ms")
        note(.failed(failure), isProbe: false)
        call.fail(failure)
    }

    // MARK: Up and down

    private func note(_ event: IdleConnections<Connection>.Event, isProbe: Bool) {
        switch event {
        case .answered:
            if policy.answered(now: Loop.now) { announceRecovery() }
            retry?.cancel()
        case .connected:
            if policy.reached(now: Loop.now) { announceRecovery() }
        case .failed(let failure):
            failures += 1
            if policy.failed(failure, isProbe: isProbe, now: Loop.now) {
                Log.error("service down", [Field("pool", settings.name), Field("reason", failure)])
            }
            for call in calls.values where call.ticket.cancel() {
                call.timer?.cancel()
                call.fail(.notAsked("\(settings.name) is down: \(policy.reason)"))
            }
            calls = calls.filter { !$0.value.ticket.isCancelled }
            scheduleProbe()
        }
    }

    private func announceRecovery() {
        Log.notice("service up again", [Field("pool", settings.name)])
    }

    private func scheduleProbe() {
        retry?.cancel()
        guard let moment = policy.retryAt, !isStopped else { return }
        retry = Loop.after(max(0, moment - Loop.now)) { [weak self] in self?.probe() }
    }

    /// Tries to reach the service with a connection of its own.
    private func probe() {
        let deadline = Deadline(in: min(settings.callMilliseconds, Self.connectMilliseconds))
        let isTaken = threads.submit { [shelf] in
            let event = shelf.fill(deadline)
            Loop.submit { [weak self] in self?.note(event, isProbe: true) }
        }
        if !isTaken, !isStopped { retry = Loop.after(settings.patience.first) { [weak self] in self?.probe() } }
    }

    private func keepAlive(everyMilliseconds interval: Int64) {
        guard !policy.isDown else { return }
        let deadline = Deadline(in: min(settings.callMilliseconds, Self.connectMilliseconds))
        _ = threads.submit { [shelf] in shelf.keepAlive(idleFor: interval, deadline) }
    }

    // MARK: The end

    /// Asks nothing new. What is under way is finished; then connections and threads end.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        retry?.cancel()
        refresh?.cancel()
        // It closes in any case; on a thread, since saying farewell may wait.
        if !threads.submit({ [shelf] in shelf.close() }) { shelf.refuseMore() }
        threads.stop()
    }

    // MARK: Health

    var health: PoolHealth.State {
        switch policy.standing {
        case .untried: .untried
        case .up: .up
        case .down, .onTrial: .down
        }
    }

    func health(kind: String, tag: String, host: String?) -> PoolHealth {
        PoolHealth(
            kind: kind, tag: tag, host: host, state: health, sinceMilliseconds: max(0, Loop.now - policy.since),
            connections: shelf.open, waiting: calls.values.count { !$0.ticket.hasBegun }, failures: failures,
            reason: policy.isDown ? policy.reason : nil)
    }
}

/// What a pool is told.
struct PoolSettings: Sendable, Equatable {
    /// `ldap.default`
    var name: String
    /// How many connections there are at most.
    var connections: Int
    /// How long a question may take, in milliseconds, the wait for a connection included.
    var callMilliseconds: Int64
    var patience: PoolPolicy.Patience
    /// How long a connection may be idle, in milliseconds; nil: for ever.
    var keepAlive: Int64?
    /// How many questions may wait for each connection.
    var bound = 100
}

/// How a pool fares.
public struct PoolHealth: Sendable, Equatable {
    public enum State: UInt8, Sendable { case untried, up, down }

    public let kind: String
    public let tag: String
    /// The host that has it for itself.
    public let host: String?
    public let state: State
    /// How long it has been so.
    public let sinceMilliseconds: Int64
    public let connections: Int
    /// Questions that wait for a connection.
    public let waiting: Int
    /// Questions and tries that failed, since the start.
    public let failures: UInt64
    /// Why it is down.
    public let reason: String?
}

/// One who waits for an answer.
@LoopActor
private final class PendingCall {
    let ticket: Ticket
    let fail: (ServiceFailure) -> Void
    var timer: Loop.Timer?

    init(ticket: Ticket, fail: @escaping (ServiceFailure) -> Void) {
        self.ticket = ticket
        self.fail = fail
    }
}

/// Whether a question is still to be asked: a thread begins it, or the loop takes it back, never both.
private final class Ticket: Sendable {
    private enum State: UInt8 { case waiting, begun, cancelled }
    private let state = Atomic<UInt8>(State.waiting.rawValue)

    private func move(to next: State) -> Bool {
        state.compareExchange(expected: State.waiting.rawValue, desired: next.rawValue, ordering: .acquiringAndReleasing)
            .exchanged
    }

    func begin() -> Bool { move(to: .begun) }
    func cancel() -> Bool { move(to: .cancelled) }
    var hasBegun: Bool { state.load(ordering: .relaxed) == State.begun.rawValue }
    var isCancelled: Bool { state.load(ordering: .relaxed) == State.cancelled.rawValue }
}
