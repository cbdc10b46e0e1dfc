internal import NIOCore

/// Something that gathers output during a turn of the loop and sends it at the turn's end.
@LoopActor
protocol TurnParticipant: AnyObject, Sendable {
    func turnEnded()
    /// Bytes that had to wait for the socket have gone out, or never will.
    func libraryWrote()
}

/// What is to be done at the end of the present turn: first the closures, then the flushes.
@LoopActor
enum Turn {
    private static var closures: [@LoopActor () -> Void] = []
    private static var participants: ContiguousArray<any TurnParticipant> = []
    private static var isScheduled = false
    /// After so many rounds of mutual answers within one turn, sockets get their say again.
    private static let roundLimit = 16

    static func add(_ body: @escaping @LoopActor () -> Void) {
        closures.append(body)
        schedule()
    }

    /// The participant must not add itself twice in a turn; it keeps a flag of its own.
    static func add(_ participant: any TurnParticipant) {
        participants.append(participant)
        schedule()
    }

    private static func schedule() {
        if isScheduled { return }
        isScheduled = true
        Loop.loop?.execute { LoopActor.assumeIsolated { end() } }
    }

    private static func end() {
        var rounds = 0
        while !closures.isEmpty || !participants.isEmpty {
            if rounds == roundLimit { return rest() }
            rounds += 1
            if !closures.isEmpty {
                let now = closures
                closures = []
                for body in now { body() }
            }
            flush()
        }
        isScheduled = false
    }

    /// Goes on in a later turn. A timer, because what is merely executed belongs to the same turn of the event library.
    private static func rest() {
        Loop.loop?.assumeIsolated().scheduleTask(in: .milliseconds(1)) { LoopActor.assumeIsolated { end() } }
    }

    private static func flush() {
        // The list is taken out and put back, so that its storage serves again and a participant may be added meanwhile.
        var now = ContiguousArray<any TurnParticipant>()
        swap(&now, &participants)
        for participant in now { participant.turnEnded() }
        if participants.isEmpty {
            now.removeAll(keepingCapacity: now.capacity <= 4096)
            swap(&now, &participants)
        }
    }
}
