public import Network
public import XMPP

/// When a handler has its turn; within a phase, in the order of installation.
public enum HookPhase: Int, Sendable, CaseIterable, Comparable {
    /// Is it well-formed by the rules of its protocol?
    case validation
    /// May it pass?
    case policy
    /// Does something here take it over, or change it, before it goes on?
    case beforeRouting
    /// It has found its way: who else wants a copy?
    case afterRouting
    /// It is kept.
    case archive

    public static func < (one: HookPhase, other: HookPhase) -> Bool { one.rawValue < other.rawValue }
}

/// What a handler decides about a stanza.
public enum Decision<Payload> {
    /// The next handler has its turn.
    case next
    /// The handler has taken the stanza over; nothing more happens to it.
    case stop
    /// The stanza is refused; its sender is told so (never for an error or a result).
    case fail(StanzaError)
    /// The decision needs storage: the sender's next stanzas wait until it is there.
    case wait(@LoopActor () async -> Decision)
    /// The same for a handler that changes the payload by what it has found.
    case waitToChange(@LoopActor () async -> Change)

    /// Runs on the payload when the wait is over, and decides.
    public typealias Change = @LoopActor (inout Payload) -> Decision
}

/// What a chain came to.
enum ChainResult<Payload> {
    case passed, stopped
    case failed(StanzaError)
    /// A handler waits. `HookChain.run` goes on from the same position, given what this returns.
    case waiting(@LoopActor () async -> Decision<Payload>.Change)
}

/// How far a payload has come in a chain.
struct HookPosition<Payload> {
    /// The handler that has its turn next.
    var next = 0
    /// What the handler before it has decided after its wait.
    var change: Decision<Payload>.Change?
}

/// The handlers of one hook. A handler may change the payload, at once or after a wait; there is no other way to touch a
/// stanza on its way.
@LoopActor
public struct HookChain<Payload> {
    public typealias Handler = @LoopActor (inout Payload) -> Decision<Payload>

    private var handlers: [(phase: HookPhase, handler: Handler)] = []

    init() {}

    public mutating func add(_ phase: HookPhase, _ handler: @escaping Handler) {
        let place = handlers.firstIndex { $0.phase > phase } ?? handlers.endIndex
        handlers.insert((phase, handler), at: place)
    }

    mutating func merge(_ other: Self) {
        for (phase, handler) in other.handlers { add(phase, handler) }
    }

    /// Runs the handlers of `phases` from a position on, which moves with them.
    func run(
        _ payload: inout Payload, _ phases: ClosedRange<HookPhase>, _ position: inout HookPosition<Payload>
    ) -> ChainResult<Payload> {
        if let change = position.change {
            position.change = nil
            if let result = result(of: change(&payload)) { return result }
        }
        while position.next < handlers.count {
            let entry = handlers[position.next]
            position.next += 1
            guard phases.contains(entry.phase) else { continue }
            if let result = result(of: entry.handler(&payload)) { return result }
        }
        position.next = 0
        return .passed
    }

    /// The same for a payload that may not be there: then there is nothing to decide.
    func run(
        _ payload: inout Payload?, _ phases: ClosedRange<HookPhase>, _ position: inout HookPosition<Payload>
    ) -> ChainResult<Payload> {
        // In place: taking it out and putting it back would move it twice.
        payload == nil ? .passed : run(&payload!, phases, &position)
    }

    /// Nil: the next handler has its turn.
    private func result(of decision: Decision<Payload>) -> ChainResult<Payload>? {
        switch decision {
        case .next: nil
        case .stop: .stopped
        case .fail(let error): .failed(error)
        case .waitToChange(let operation): .waiting(operation)
        case .wait(let operation):
            .waiting {
                let decision = await operation()
                return { _ in decision }
            }
        }
    }
}
