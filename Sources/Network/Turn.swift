/// Something that gathers output during a turn of the loop and sends it at the turn's end.
@LoopActor
protocol TurnParticipant: AnyObject {
    func turnEnded()
}

/// What is to be done at the end of the present turn: first the closures, then the flushes. What the turn has no time for is done at
/// the end of the next, before what that adds.
@LoopActor
enum Turn {
    private static var closures = Line<@LoopActor () -> Void>()
    private static var participants = Line<any TurnParticipant>()

    static var isEmpty: Bool { closures.isEmpty && participants.isEmpty }

    static func add(_ body: @escaping @LoopActor () -> Void) { closures.append(body) }

    /// The participant must not add itself twice in a turn; it keeps a flag of its own.
    static func add(_ participant: any TurnParticipant) { participants.append(participant) }

    /// Runs the closures that there are now, at least one of them: what they bring in their train is for the next round.
    /// - Returns: whether there were any.
    static func runClosures() -> Bool {
        guard !closures.isEmpty else { return false }
        var left = closures.count
        while left > 0, let body = closures.next() {
            body()
            left -= 1
            if TurnClock.isOver { break }
        }
        return true
    }

    /// Flushes what there is now, at least one of it.
    /// - Returns: whether there was anything.
    static func flush() -> Bool {
        guard !participants.isEmpty else { return false }
        var left = participants.count
        while left > 0, let participant = participants.next() {
            participant.turnEnded()
            left -= 1
            if TurnClock.isOver { break }
        }
        return true
    }

    /// Elements in the order in which they came. The storage serves again.
    private struct Line<Element> {
        /// Places of elements that have had their turn, above which they are given back while others still wait; and places that an
        /// empty line keeps.
        private static var kept: Int { 4096 }

        private var elements: ContiguousArray<Element?> = []
        private var first = 0

        var isEmpty: Bool { first == elements.count }
        var count: Int { elements.count - first }

        mutating func append(_ element: Element) { elements.append(element) }

        mutating func next() -> Element? {
            guard first < elements.count else { return nil }
            let element = elements[first]
            elements[first] = nil
            first += 1
            if first == elements.count {
                elements.removeAll(keepingCapacity: elements.capacity <= Self.kept)
                first = 0
            } else if first > Self.kept {
                elements.removeFirst(first)
                first = 0
            }
            return element
        }
    }
}
