import Foundation

/// Things that are done at the same time, each on a thread of its own.
public enum Concurrently {
    /// The results in the order of their numbers; the first error, if there was one.
    public static func run<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Result) throws -> [Result] {
        let outcomes = Outcomes<Result>()
        let group = DispatchGroup()
        for number in 0..<count {
            group.enter()
            Thread.detachNewThread {
                outcomes.add(number, Swift.Result { try body(number) })
                group.leave()
            }
        }
        group.wait()
        return try outcomes.all.sorted { $0.key < $1.key }.map { try $0.value.get() }
    }

    private final class Outcomes<Value>: @unchecked Sendable {
        private let lock = NSLock()
        private var outcomes: [Int: Swift.Result<Value, any Error>] = [:]

        func add(_ number: Int, _ outcome: Swift.Result<Value, any Error>) { lock.withLock { outcomes[number] = outcome } }

        var all: [Int: Swift.Result<Value, any Error>] { lock.withLock { outcomes } }
    }
}

/// A word between threads: go on, or stop.
public final class Signal: @unchecked Sendable {
    private let lock = NSLock()
    private var isGiven = false

    public init() {}

    public var given: Bool { lock.withLock { isGiven } }
    public func give() { lock.withLock { isGiven = true } }
}
