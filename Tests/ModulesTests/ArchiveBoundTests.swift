import Kernel
import Network
import Testing
import XMPP

@testable import Modules

/// What waits for the archive.
extension ArchiveTests {
    /// While storage does not keep up, senders wait: memory is not the buffer.
    @Test @LoopActor func noMoreWaitsForStorageThanItsBound() async throws {
        let stage = try await stage()
        let alice = try await stage.client("alice")
        let bob = try await stage.client("bob")
        try bob.say("<presence/>")
        try await talk(alice, 1)
        bob.isDeaf = true
        let before = bob.session.writtenBytes
        stage.database.trouble.holdWrites()
        let (count, size) = (60, 250_000)
        let body = String(repeating: "x", count: size)
        for number in 0..<count {
            try alice.say("<message to='bob@example.org' id='large\(number)' type='chat'><body>\(body)</body></message>")
        }
        await stage.database.trouble.waitForHeldWrite()
        var sent: UInt64 = .max
        while sent != bob.session.writtenBytes {
            sent = bob.session.writtenBytes
            await Loop.pause(100)
        }
        // What waits and a transaction, each with one message above its bound.
        #expect(sent - before <= UInt64((10 << 20) + 3 * size))
        stage.database.trouble.releaseWrites()
        while bob.session.writtenBytes - before < UInt64(count * size) { await Loop.pause(10) }
        try await alice.settle()
        await finish(stage)
    }
}
