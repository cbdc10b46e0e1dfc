internal import Streams
internal import XML

/// The stanzas of one source, in the order in which they came: those that wait while an earlier one is suspended, and how
/// far they have been handled. A value without effects that lies inside its source; `StanzaSource` acts on what it says.
public struct StanzaInbox {
    /// Stanzas that may wait; with so many the source is not read until there are fewer. What was read or injected before
    /// that still finds room.
    static let maxWaiting = 16

    /// What becomes of a stanza that comes.
    enum Admission {
        /// It has its turn now.
        case handle
        /// It has its turn when the earlier ones have had theirs.
        case wait
        /// The same, and the source is read no further.
        case waitAndPauseReading
    }

    private struct Waiting {
        let element: Element
        let isInjected: Bool
    }

    private var waiting = WaitingLine<Waiting>()
    private var counter = InboundCounter()
    /// Stanzas whose handling goes on later; none that came after them has its turn before.
    private var suspensions: Int32 = 0
    private var isReadingPaused = false

    public init() {}

    /// How many of the source's own stanzas were handled, with all that had to be done before.
    var handled: UInt32 { counter.done }

    /// How many of the source's own stanzas have come, handled or not.
    var received: UInt32 { counter.begun &+ UInt32(truncatingIfNeeded: waiting.elements.count { !$0.isInjected }) }

    /// Nothing is suspended or waits for its turn.
    var isIdle: Bool { suspensions == 0 && waiting.isEmpty }

    /// Nothing is suspended, waits for its turn, or has an open condition.
    var isSettled: Bool { suspensions == 0 && waiting.isEmpty && counter.isSettled }

    /// - Parameter isInjected: the source has not sent it and does not count it.
    mutating func admit(_ element: Element, isInjected: Bool) -> Admission {
        guard suspensions > 0 || !waiting.isEmpty else {
            counter.begin(isInjected: isInjected)
            return .handle
        }
        waiting.append(Waiting(element: element, isInjected: isInjected))
        guard waiting.count >= Self.maxWaiting, !isReadingPaused else { return .wait }
        isReadingPaused = true
        return .waitAndPauseReading
    }

    /// The stanza whose turn it is; nil if none waits, or an earlier one is suspended.
    mutating func next() -> Element? {
        guard suspensions == 0, let next = waiting.first else { return nil }
        waiting.removeFirst(1)
        counter.begin(isInjected: next.isInjected)
        return next.element
    }

    /// Whether the source was not read and there is room again: then it is to be read from now on.
    mutating func resumesReading() -> Bool {
        guard isReadingPaused, waiting.count < Self.maxWaiting else { return false }
        isReadingPaused = false
        return true
    }

    mutating func suspend() { suspensions += 1 }

    mutating func endSuspension() { suspensions -= 1 }

    /// Opens a condition of the stanza that has its turn.
    /// - Returns: the stanza's number; nil if it is not counted.
    mutating func deferAck() -> UInt32? { counter.deferAck() }

    /// Closes a condition of that stanza.
    /// - Returns: whether more stanzas are handled now.
    mutating func fulfill(_ number: UInt32) -> Bool { counter.fulfill(number) }

    /// The source has ended: what waits has no turn any more.
    mutating func removeAll() { waiting = WaitingLine() }
}
