import Foundation
import Synchronization
import TestKit

/// Connects and opens streams without a pause, on a thread of its own, until it is told to stop.
final class ConnectStorm: Sendable {
    struct Tally { var opened = 0, failures: [String] = [], isOver = false, hasEnded = false }

    private let tally = Mutex(Tally())

    init(_ server: ServerUnderTest) {
        Thread.detachNewThread { [self] in
            while !tally.withLock({ $0.isOver }) {
                do {
                    let client = try server.connect()
                    try client.open()
                    try client.disconnect()
                    tally.withLock { $0.opened += 1 }
                } catch {
                    tally.withLock { $0.failures.append("\(error)") }
                }
            }
            tally.withLock { $0.hasEnded = true }
        }
    }

    func stop() throws -> Tally {
        tally.withLock { $0.isOver = true }
        try eventually("the storm to end") { tally.withLock { $0.hasEnded } }
        return tally.withLock { $0 }
    }

    var opened: Int { tally.withLock { $0.opened } }
}
