import Network
import Testing
import XMPP

@testable import Kernel

@Suite("Hooks: handlers have their turn by phase and by order", .timeLimit(.minutes(1)))
struct HookChainTests {
    private static let all = HookPhase.validation...HookPhase.archive

    init() { precondition(Loop.runOnThread()) }

    /// Runs a chain to its end as the router does, waiting where a handler waits.
    @LoopActor private func run(
        _ chain: HookChain<[String]>, _ phases: ClosedRange<HookPhase> = all
    ) async -> (words: [String], result: String, waits: Int) {
        var (words, position, waits) = ([String](), HookPosition<[String]>(), 0)
        while true {
            switch chain.run(&words, phases, &position) {
            case .passed: return (words, "passed", waits)
            case .stopped: return (words, "stopped", waits)
            case .failed(let error): return (words, error.condition.rawValue, waits)
            case .waiting(let operation):
                waits += 1
                position.change = await operation()
            }
        }
    }

    @LoopActor private func saying(_ word: String, _ decision: Decision<[String]> = .next) -> HookChain<[String]>.Handler {
        {
            $0.append(word)
            return decision
        }
    }

    @Test("phases come in their order, handlers of one module in the order of their installation")
    @LoopActor func phasesAreOrdered() async {
        var chain = HookChain<[String]>()
        chain.add(.archive, saying("e"))
        chain.add(.policy, saying("b1"))
        chain.add(.validation, saying("a"))
        chain.add(.policy, saying("b2"))
        #expect(await run(chain).words == ["a", "b1", "b2", "e"])
        #expect(await run(chain, .policy ... .beforeRouting).words == ["b1", "b2"])
    }

    @Test("who stops or refuses is the last")
    @LoopActor func chainEnds() async {
        for (decision, result) in [(Decision<[String]>.stop, "stopped"), (.fail(StanzaError(.forbidden)), "forbidden")] {
            var chain = HookChain<[String]>()
            chain.add(.policy, saying("a", decision))
            chain.add(.policy, saying("b"))
            let outcome = await run(chain)
            #expect(outcome.words == ["a"] && outcome.result == result)
        }
    }

    @Test("a handler that waits decides afterwards, and the rest of the chain follows")
    @LoopActor func waitGoesOn() async {
        var chain = HookChain<[String]>()
        chain.add(.validation, saying("a"))
        chain.add(.policy, saying("b", .wait { .next }))
        chain.add(.policy, saying("c"))
        chain.add(.archive, saying("d", .wait { .wait { .next } }))
        let outcome = await run(chain)
        #expect(outcome.words == ["a", "b", "c", "d"] && outcome.result == "passed" && outcome.waits == 3)
    }

    @Test("a handler that waits may change the payload, before the next one sees it")
    @LoopActor func waitChanges() async {
        var chain = HookChain<[String]>()
        chain.add(.policy) { _ in
            .waitToChange {
                {
                    $0.append("changed")
                    return .next
                }
            }
        }
        chain.add(.policy) { words in
            words.append(words == ["changed"] ? "seen" : "not seen")
            return .next
        }
        #expect(await run(chain).words == ["changed", "seen"])
    }

    @Test("a wait that ends with a refusal is the chain's end")
    @LoopActor func waitRefuses() async {
        var chain = HookChain<[String]>()
        chain.add(.policy, saying("a", .wait { .fail(StanzaError(.notAllowed)) }))
        chain.add(.policy, saying("b"))
        let outcome = await run(chain)
        #expect(outcome.words == ["a"] && outcome.result == "not-allowed")
    }

    @Test("a chain that has passed begins anew for the phases behind")
    @LoopActor func positionBeginsAnew() {
        var chain = HookChain<[String]>()
        chain.add(.policy, saying("before"))
        chain.add(.afterRouting, saying("after"))
        var (words, position) = ([String](), HookPosition<[String]>())
        _ = chain.run(&words, .validation ... .beforeRouting, &position)
        _ = chain.run(&words, .afterRouting ... .archive, &position)
        #expect(words == ["before", "after"])
    }

    @Test("merged chains keep the phases")
    @LoopActor func chainsMerge() async {
        var (first, second) = (HookChain<[String]>(), HookChain<[String]>())
        first.add(.policy, saying("a1"))
        first.add(.archive, saying("a2"))
        second.add(.validation, saying("b0"))
        second.add(.policy, saying("b1"))
        var both = HookChain<[String]>()
        both.merge(first, of: "a")
        both.merge(second, of: "b")
        #expect(await run(both).words == ["b0", "a1", "b1", "a2"])
    }

    /// A chain with a handler of each module in one phase, which says its module's name.
    @LoopActor private func chain(_ modules: [(name: String, after: [String])]) -> HookChain<[String]> {
        var chain = HookChain<[String]>()
        for module in modules {
            var own = HookChain<[String]>()
            own.add(.policy, after: module.after, saying(module.name))
            chain.merge(own, of: module.name)
        }
        return chain
    }

    @Test("within a phase a handler comes after the modules that it names, in whichever order they were loaded")
    @LoopActor func declaredOrder() async {
        let modules = [("a", ["d"]), ("b", []), ("c", ["a", "x"]), ("d", [])]
        for turn in 0..<modules.count {
            var chain = chain(Array(modules[turn...] + modules[..<turn]))
            #expect(chain.arrange(["a", "b", "c", "d", "x"]) == [])
            #expect(await run(chain).words == ["b", "d", "a", "c"])
        }
    }

    @Test("handlers of one module keep their order, whatever the last of them comes after")
    @LoopActor func ownOrder() async {
        var own = HookChain<[String]>()
        own.add(.policy, after: ["b"], saying("a1"))
        own.add(.policy, saying("a2"))
        var chain = chain([("b", [])])
        chain.merge(own, of: "a")
        #expect(chain.arrange(["a", "b"]) == [])
        #expect(await run(chain).words == ["b", "a1", "a2"])
    }

    @Test("a circle and a name that no module has are found, and every handler still has its turn")
    @LoopActor func impossibleOrders() async {
        var circle = chain([("a", ["b"]), ("b", ["c"]), ("c", ["a"])])
        #expect(circle.arrange(["a", "b", "c"]) == ["each is to come after another: a, b, c"])
        #expect(await run(circle).words.sorted() == ["a", "b", "c"])
        var unknown = chain([("a", ["mod_nonsense"])])
        #expect(unknown.arrange(["a"]) == ["a comes after mod_nonsense, which is no module"])
        #expect(await run(unknown).words == ["a"])
    }
}
