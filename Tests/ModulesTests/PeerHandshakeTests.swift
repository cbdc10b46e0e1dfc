import Kernel
import Network
import Testing

/// A worker that starts waits until the others would send to its sessions.
@Suite(.timeLimit(.minutes(5))) struct AcquaintanceTests {
    init() { StageLoop.start() }

    @Test @LoopActor func aWorkerIsKnownWhenAllOthersHaveSaidSo() async throws {
        let stage = try await Stage()
        #expect(try await StageTime.pass { await stage.workers[0].waitUntilConfirmed(within: 10_000) })
        #expect(await stage.workers[0].waitUntilConfirmed(within: 0), "nothing is waited for any more")
        // One that never says anything, and one that dies before it does.
        stage.workers[0].peerConnected(slot: 2, incarnation: 1)
        #expect(try await !StageTime.pass { await stage.workers[0].waitUntilConfirmed(within: 1) })
        stage.workers[0].peerConnected(slot: 3, incarnation: 1)
        let known = StageTime.begin { await stage.workers[0].waitUntilConfirmed(within: 10_000) }
        await StageTime.runUntilIdle()
        stage.workers[0].peerGone(slot: 3)
        stage.workers[0].peerGone(slot: 2)
        #expect(try await known.end())
    }
}
