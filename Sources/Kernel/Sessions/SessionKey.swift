private import Synchronization

/// Names a piece of state that a module keeps for each session; only the module has the key.
public struct SessionKey<Value>: Sendable {
    let index: Int

    public init() { index = nextIndex.add(1, ordering: .relaxed).oldValue }
}

/// Names a piece of state that a module keeps for the whole worker.
public struct ServerKey<Value>: Sendable {
    let index: Int

    public init() { index = nextIndex.add(1, ordering: .relaxed).oldValue }
}

private let nextIndex = Atomic<Int>(0)
