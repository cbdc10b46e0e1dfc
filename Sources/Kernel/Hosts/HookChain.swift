public import Network
public import XMPP

/// When a handler has its turn; within a phase, behind those of the modules that it names.
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
    /// Whose they are, and which modules' handlers of the same phase come first; beside them, since no stanza needs it.
    private(set) var origins: [(module: String, after: [String])] = []

    init() {}

    /// - Parameter after: modules whose handlers of the same phase have their turn before, if they are loaded.
    public mutating func add(_ phase: HookPhase, after: [String] = [], _ handler: @escaping Handler) {
        add((phase, handler), ("", after))
    }

    private mutating func add(_ entry: (phase: HookPhase, handler: Handler), _ origin: (module: String, after: [String])) {
        let place = handlers.firstIndex { $0.phase > entry.phase } ?? handlers.endIndex
        handlers.insert(entry, at: place)
        origins.insert(origin, at: place)
    }

    mutating func merge(_ other: Self, of module: String) {
        for (entry, origin) in zip(other.handlers, other.origins) { add(entry, (module, origin.after)) }
    }

    /// Puts the handlers of each phase into the order that their modules ask for. Among those that ask for none the names of
    /// the modules decide, which have no meaning but are the same on all workers.
    /// - Parameter modules: all that may be named, loaded or not.
    /// - Returns: what cannot be had.
    mutating func arrange(_ modules: Set<String>) -> [String] {
        var faults: [String] = []
        for (module, after) in origins {
            faults += after.filter { !modules.contains($0) }.map { "\(module) comes after \($0), which is no module" }
        }
        var order: [Int] = []
        for phase in HookPhase.allCases {
            var rest = handlers.indices.filter { handlers[$0].phase == phase }
                .sorted { (origins[$0].module, $0) < (origins[$1].module, $1) }
            while !rest.isEmpty {
                let next = rest.firstIndex { one in !rest.contains { isBefore($0, one) } }
                if next == nil {
                    faults.append("each is to come after another: " + rest.map { origins[$0].module }.joined(separator: ", "))
                }
                order.append(rest.remove(at: next ?? 0))
            }
        }
        handlers = order.map { handlers[$0] }
        origins = order.map { origins[$0] }
        return faults
    }

    /// Whether a handler has its turn before another of the same phase. Those of one module keep their order.
    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        guard one != other else { return false }
        return origins[other].after.contains(origins[one].module) || (origins[one].module == origins[other].module && one < other)
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
