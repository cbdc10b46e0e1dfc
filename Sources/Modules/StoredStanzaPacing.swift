internal import Kernel
internal import Network

/// What storage has for a client is sent no faster than the client takes it: neither its queue nor the worker's memory grows with
/// what others have left there.
extension Session {
    /// Bytes of stored stanzas that are read and sent at a time; a larger stanza goes alone.
    static let storedPortion = 256 << 10
    /// Bytes that a client may leave unacknowledged (XEP-0198) and still gets more from storage.
    private static let mostUnacknowledged = 256 << 10
    /// Milliseconds between looks at a client that is behind: the first, and the most.
    private static let (firstLook, lastLook): (Int64, Int64) = (2, 200)

    /// There is a client to send to.
    var isReachable: Bool { !hasEnded && isAttached }

    private var isBehind: Bool {
        streamManagement == nil ? queuedBytes > Connection.lowWater : unacknowledgedBytes > Self.mostUnacknowledged
    }

    /// Waits until the client has taken most of what it was sent. False: it is gone.
    /// - Parameter mustWait: called once if that takes its time.
    func roomForStored(_ mustWait: @LoopActor () -> Void) async -> Bool {
        guard isBehind, isReachable else { return isReachable }
        // It might not say so by itself.
        requestAcknowledgement()
        return await wait(while: { self.isBehind }, mustWait)
    }

    /// Waits until the network has taken everything up to this number of `writtenBytes`. False: the client is gone.
    func hasTaken(_ written: UInt64, _ mustWait: @LoopActor () -> Void) async -> Bool {
        await wait(while: { self.takenBytes < written }, mustWait)
    }

    /// How many of `writtenBytes` the network has.
    var takenBytes: UInt64 { isReachable ? writtenBytes - min(writtenBytes, UInt64(queuedBytes)) : 0 }

    private func wait(while condition: @LoopActor () -> Bool, _ mustWait: @LoopActor () -> Void) async -> Bool {
        var pause = Self.firstLook
        while condition(), isReachable {
            // What was written in this turn goes out at its end.
            await Loop.pause(pause)
            if pause == Self.firstLook, condition() { mustWait() }
            pause = min(2 * pause, Self.lastLook)
        }
        return isReachable
    }
}

/// Lets the inbox of a session go on as soon as what it waits for depends on its client: a client that is not read any more
/// could not acknowledge what it is waited for.
@LoopActor
final class InboxRelease {
    private var continuation: CheckedContinuation<Void, Never>?

    private init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }

    func release() {
        continuation?.resume()
        continuation = nil
    }

    /// Runs `body` for the session and comes back when it releases the inbox, at its end at the latest.
    static func wait(for session: Session, _ body: @escaping @LoopActor (InboxRelease) async -> Void) async {
        await withCheckedContinuation { continuation in
            let inbox = InboxRelease(continuation)
            session.runPinned {
                await body(inbox)
                inbox.release()
            }
        }
    }
}
