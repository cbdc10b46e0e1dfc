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
        await StageTime.runUntilIdle()
        let sent = bob.session.writtenBytes
        // What waits and a transaction, each with one message above its bound.
        #expect(sent - before <= UInt64((10 << 20) + 3 * size))
        stage.database.trouble.releaseWrites()
        await StageTime.until { bob.session.writtenBytes - before >= UInt64(count * size) }
        try await alice.settle()
        await finish(stage)
    }
}
