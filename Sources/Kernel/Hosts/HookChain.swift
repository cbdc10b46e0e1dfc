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

/// What a handler says about a stanza.
public enum Decision {
    /// The next handler has its turn.
    case next
    /// It has been taken over; nothing more happens to it.
    case stop
    /// It is refused; its sender is told so (never for an error or a result).
    case fail(StanzaError)
    /// The answer needs storage: the sender's next stanzas wait until it is there.
    case wait(@LoopActor () async -> Decision)
}

/// What a chain came to.
enum ChainResult {
    case passed, stopped
    case failed(StanzaError)
    /// The handler before `index` waits; the rest of the chain follows its answer.
    case waiting(index: Int, @LoopActor () async -> Decision)
}

/// The handlers of one hook. Handlers may change the payload; there is no other way to touch a stanza on its way.
@LoopActor
public struct HookChain<Payload> {
    public typealias Handler = @LoopActor (inout Payload) -> Decision

    private var handlers: [(phase: HookPhase, handler: Handler)] = []

    init() {}

    public mutating func add(_ phase: HookPhase, _ handler: @escaping Handler) {
        let place = handlers.firstIndex { $0.phase > phase } ?? handlers.endIndex
        handlers.insert((phase, handler), at: place)
    }

    /// Runs the handlers of `phases` from `index` on.
    func run(_ payload: inout Payload, _ phases: ClosedRange<HookPhase>, from index: Int = 0) -> ChainResult {
        var index = index
        while index < handlers.count {
            let entry = handlers[index]
            index += 1
            guard phases.contains(entry.phase) else { continue }
            switch entry.handler(&payload) {
            case .next: continue
            case .stop: return .stopped
            case .fail(let error): return .failed(error)
            case .wait(let operation): return .waiting(index: index, operation)
            }
        }
        return .passed
    }

    /// Waits for what a handler waits for, then runs the rest. Never answers `.waiting`.
    func finish(
        _ payload: inout Payload, _ phases: ClosedRange<HookPhase>, from index: Int,
        _ operation: @LoopActor () async -> Decision
    ) async -> ChainResult {
        var index = index
        var decision = await operation()
        while true {
            switch decision {
            case .stop: return .stopped
            case .fail(let error): return .failed(error)
            case .wait(let next): decision = await next()
            case .next:
                switch run(&payload, phases, from: index) {
                case .waiting(let next, let operation):
                    index = next
                    decision = await operation()
                case let outcome: return outcome
                }
            }
        }
    }
}
