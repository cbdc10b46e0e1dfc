import Testing

@testable import Supervision

/// A supervisor with a clock that the test moves.
struct Transcript {
    var supervisor: Supervisor
    var now: Int64 = 0

    init(workers: Int = 2, policy: SupervisionPolicy = SupervisionPolicy()) {
        supervisor = Supervisor(workers: workers, policy: policy)
    }

    mutating func tell(_ event: SupervisionEvent) -> [SupervisionAction] { supervisor.handle(event, at: now) }

    /// All workers serving.
    static func up(workers: Int = 2, policy: SupervisionPolicy = SupervisionPolicy()) -> Transcript {
        var transcript = Transcript(workers: workers, policy: policy)
        _ = transcript.tell(.start)
        for slot in 0..<workers { transcript.bringUp(WorkerName(slot: UInt8(slot), incarnation: 1)) }
        return transcript
    }

    mutating func bringUp(_ worker: WorkerName) {
        _ = tell(.hello(worker))
        _ = tell(.ready(worker))
    }
}

/// `w(0)` is the first process of slot 0, `w(0, 2)` its second.
func w(_ slot: UInt8, _ incarnation: UInt32 = 1) -> WorkerName { WorkerName(slot: slot, incarnation: incarnation) }
