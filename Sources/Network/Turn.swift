/// Something that gathers output during a turn of the loop and sends it at the turn's end.
@LoopActor
protocol TurnParticipant: AnyObject {
    func turnEnded()
}

/// What is to be done at the end of the present turn: first the closures, then the flushes.
@LoopActor
enum Turn {
    private static var closures: [@LoopActor () -> Void] = []
    private static var participants: ContiguousArray<any TurnParticipant> = []

    static var isEmpty: Bool { closures.isEmpty && participants.isEmpty }

    static func add(_ body: @escaping @LoopActor () -> Void) { closures.append(body) }

    /// The participant must not add itself twice in a turn; it keeps a flag of its own.
    static func add(_ participant: any TurnParticipant) { participants.append(participant) }

    /// One round: what it brings in its train is for the next.
    static func end() {
        if !closures.isEmpty {
            let now = closures
            closures = []
            for body in now { body() }
        }
        flush()
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
