public import Network
public import XMPP

/// The phases of a chain, in which its handlers run; within a phase a handler runs after those of the modules that it names.
public enum HookPhase: Int, Sendable, CaseIterable, Comparable {
    /// Checks that the stanza is well-formed by the rules of its protocol.
    case validation
    /// Decides whether the stanza may pass.
    case policy
    /// Takes the stanza over, or changes it, before it is routed.
    case beforeRouting
    /// Sees the stanza with its recipients: copies are made here.
    case afterRouting
    /// Archives the stanza.
    case archive

    public static func < (one: HookPhase, other: HookPhase) -> Bool { one.rawValue < other.rawValue }
}

/// A handler's decision on a stanza.
public enum Decision<Payload> {
    /// The next handler runs.
    case next
    /// The handler has taken the stanza over; nothing more happens to it.
    case stop
    /// The stanza is refused: its sender gets the error, unless it is an error or a result itself.
    case fail(StanzaError)
    /// The decision needs storage: the sender's next stanzas wait for it.
    case wait(@LoopActor () async -> Decision)
    /// The same for a handler that changes the payload after the wait.
    case waitToChange(@LoopActor () async -> Change)

    /// Runs on the payload when the wait is over, and decides.
    public typealias Change = @LoopActor (inout Payload) -> Decision
}

/// The outcome of a chain.
enum ChainResult<Payload> {
    case passed, stopped
    case failed(StanzaError)
    /// A handler waits. The position is given the returned change, and `HookChain.run` goes on from there.
    case waiting(@LoopActor () async -> Decision<Payload>.Change)
}

/// The position of a payload in a chain.
struct HookPosition<Payload> {
    /// The index of the next handler.
    var next = 0
    /// The decision of the handler before it, after its wait.
    var change: Decision<Payload>.Change?
}

/// The handlers of one hook. A handler may change the payload, at once or after a wait; nothing else changes a stanza on its
/// way.
@LoopActor
public struct HookChain<Payload> {
    public typealias Handler = @LoopActor (inout Payload) -> Decision<Payload>

    private var handlers: [(phase: HookPhase, handler: Handler)] = []
    /// The module of each handler, and the modules whose handlers of the same phase run before; apart from the handlers, since no
    /// stanza needs it.
    private(set) var origins: [(module: String, after: [String])] = []

    init() {}

    /// - Parameter after: modules whose handlers of the same phase run before, if they are loaded.
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

    /// Sorts the handlers of each phase by the order that their modules ask for, the others by the names of their modules: these
    /// say nothing about order, but are the same on all workers.
    /// - Parameter modules: all modules, loaded or not.
    /// - Returns: the contradictions; sentences.
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

    /// Whether a handler runs before another of the same phase. Those of one module keep their order.
    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        guard one != other else { return false }
        return origins[other].after.contains(origins[one].module) || (origins[one].module == origins[other].module && one < other)
    }

    /// Runs the handlers of `phases` from a position on, which advances.
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

    /// The same for an optional payload; nil passes.
    func run(
        _ payload: inout Payload?, _ phases: ClosedRange<HookPhase>, _ position: inout HookPosition<Payload>
    ) -> ChainResult<Payload> {
        // In place: a local copy would move the payload twice.
        payload == nil ? .passed : run(&payload!, phases, &position)
    }

    /// Nil: the next handler runs.
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
