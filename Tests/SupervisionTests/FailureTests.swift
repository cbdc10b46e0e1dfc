import Testing

@testable import Supervision

/// The first, the second, … start or handover fails, until all is well: whatever fails, the server is whole in the end (H38).
@Suite(.timeLimit(.minutes(5)))
struct FailureTests {
    enum Fault: CaseIterable, Sendable { case spawnFails, diesAtHello, diesAtHandOver, misbehaves, hangs, diesWhenReady }

    /// A world that carries out what the supervisor wants, and has one thing fail.
    private struct World {
        var supervisor: Supervisor
        var now: Int64 = 0
        /// Which start fails, from 0.
        let failing: Int
        let fault: Fault
        var starts = 0
        var living: Set<WorkerName> = []
        var mostPerPosition = 0
        var timers: [(due: Int64, timer: SupervisionTimer)] = []
        var outcome: RestartOutcome?
        var exitStatus: Int32?
        var wasHit: Bool { starts > failing }

        init(_ supervisor: Supervisor, failing: Int, _ fault: Fault) {
            self.supervisor = supervisor
            self.failing = failing
            self.fault = fault
        }

        private var events: [SupervisionEvent] = []
        private var isBusy = false

        /// What an action causes happens after all actions of the same event.
        mutating func tell(_ event: SupervisionEvent) {
            events.append(event)
            guard !isBusy else { return }
            isBusy = true
            defer { isBusy = false }
            while !events.isEmpty {
                for action in supervisor.handle(events.removeFirst(), at: now) { perform(action) }
            }
        }

        private mutating func die(_ worker: WorkerName, _ exit: Exit) {
            guard living.remove(worker) != nil else { return }
            tell(.exited(worker, exit))
        }

        private mutating func perform(_ action: SupervisionAction) {
            switch action {
            case .spawn(let worker): start(worker)
            case .handOver(let worker, _):
                if culprit == worker, fault == .diesAtHandOver { return die(worker, .signal(11)) }
                if culprit == worker, fault == .hangs { return }
                tell(.ready(worker))
                if culprit == worker, fault == .diesWhenReady { die(worker, .signal(11)) }
            case .kill(let worker): die(worker, .signal(9))
            case .drain(let worker, _, _), .stop(let worker, _): die(worker, .status(0))
            case .collect(let dead, let worker): if living.contains(worker) { tell(.collected(worker, dead: dead)) }
            case .arm(let timer, let delay): timers.append((now + delay, timer))
            case .restartEnded(_, let outcome): self.outcome = outcome
            case .exit(let status): exitStatus = status
            default: break
            }
        }

        private var culprit: WorkerName?

        private mutating func start(_ worker: WorkerName) {
            let isCulprit = starts == failing
            starts += 1
            if isCulprit, fault == .spawnFails { return tell(.spawnFailed(worker, reason: "EAGAIN")) }
            if isCulprit { culprit = worker }
            living.insert(worker)
            mostPerPosition = max(mostPerPosition, living.count { $0.position == worker.position })
            if isCulprit, fault == .diesAtHello { return die(worker, .status(1)) }
            if isCulprit, fault == .misbehaves { return tell(.misbehaved(worker, reason: "x")) }
            tell(.hello(worker))
        }

        /// Lets time pass until nothing is armed that matters.
        mutating func settle() {
            for _ in 0..<200 {
                guard let next = timers.indices.min(by: { timers[$0].due < timers[$1].due }) else { return }
                let (due, timer) = timers.remove(at: next)
                now = max(now, due)
                tell(.timer(timer))
            }
        }
    }

    @Test(arguments: Fault.allCases, [1, 3]) func aRollingRestartSurvivesAnyFailure(fault: Fault, workers: Int) {
        for failing in 0..<100 {
            var world = World(.up(workers: workers), failing: failing, fault)
            world.living = Set(world.supervisor.readyWorkers)
            world.tell(.restart(id: 1))
            world.settle()
            let supervisor = world.supervisor
            #expect(supervisor.readyWorkers.count == workers, "\(failing)")
            #expect(Set(supervisor.readyWorkers) == world.living, "\(failing)")
            #expect(supervisor.holderStandings.allSatisfy { $0.state == .ready }, "\(failing)")
            #expect(world.outcome != nil && supervisor.phase == .running && supervisor.orphans.isEmpty, "\(failing)")
            #expect(world.mostPerPosition <= 2)
            if !world.wasHit {
                #expect(world.outcome == .done(workers))
                return
            }
        }
        Issue.record("it fails for ever")
    }

    @Test(arguments: Fault.allCases) func aRefillSurvivesAnyFailure(fault: Fault) {
        for failing in 0..<100 {
            var world = World(.up(workers: 2), failing: failing, fault)
            world.living = Set(world.supervisor.readyWorkers)
            let victim = world.supervisor.readyWorkers[0]
            world.living.remove(victim)
            world.tell(.exited(victim, .signal(9)))
            world.settle()
            #expect(Set(world.supervisor.readyWorkers) == world.living && world.living.count == 2, "\(failing)")
            if !world.wasHit { return }
        }
        Issue.record("it fails for ever")
    }

    @Test(arguments: Fault.allCases) func anotherNumberSurvivesAnyFailure(fault: Fault) {
        for failing in 0..<100 {
            var world = World(.up(workers: 1), failing: failing, fault)
            world.living = Set(world.supervisor.readyWorkers)
            world.tell(.resize(4))
            world.settle()
            world.tell(.resize(2))
            world.settle()
            #expect(Set(world.supervisor.readyWorkers) == world.living && world.living.count == 2, "\(failing)")
            if !world.wasHit { return }
        }
        Issue.record("it fails for ever")
    }
}

extension Supervisor {
    fileprivate static func up(workers: Int) -> Supervisor { Transcript.up(workers: workers).supervisor }
}
