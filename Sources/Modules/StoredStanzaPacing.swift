internal import Kernel
internal import Network

/// Sends stored stanzas no faster than the client reads: neither its queue nor the worker's memory grows with the number of
/// stanzas that others have left for it.
extension Session {
    /// Most bytes of stored stanzas that are read and sent at a time; a larger stanza goes alone.
    static let storedPortion = 256 << 10
    /// Most unacknowledged bytes (XEP-0198) of a client that still gets more from storage; above them it waits.
    private static let mostUnacknowledged = 256 << 10
    /// Milliseconds between two checks of a client that is behind: the first interval and the longest.
    private static let (firstLook, lastLook): (Int64, Int64) = (2, 200)

    /// Whether the session has a connected client.
    var isReachable: Bool { !hasEnded && isAttached }

    private var isBehind: Bool {
        streamManagement == nil ? queuedBytes > Connection.lowWater : unacknowledgedBytes > Self.mostUnacknowledged
    }

    /// Waits until the client has read most of what was sent.
    /// - Returns: false if the client is gone.
    /// - Parameter mustWait: called once if it has to wait.
    func roomForStored(_ mustWait: @LoopActor () -> Void) async -> Bool {
        guard isBehind, isReachable else { return isReachable }
        // The client might not acknowledge without being asked.
        requestAcknowledgement()
        return await wait(while: { self.isBehind }, mustWait)
    }

    /// Waits until the network has taken all bytes up to this number of `writtenBytes`.
    /// - Returns: false if the client is gone.
    func hasTaken(_ written: UInt64, _ mustWait: @LoopActor () -> Void) async -> Bool {
        await wait(while: { self.takenBytes < written }, mustWait)
    }

    /// The part of `writtenBytes` that the network has taken.
    var takenBytes: UInt64 { isReachable ? writtenBytes - min(writtenBytes, UInt64(queuedBytes)) : 0 }

    private func wait(while condition: @LoopActor () -> Bool, _ mustWait: @LoopActor () -> Void) async -> Bool {
        var pause = Self.firstLook
        while condition(), isReachable {
            // Bytes that were written in this turn are sent at its end.
            await Loop.pause(pause)
            if pause == Self.firstLook, condition() { mustWait() }
            pause = min(2 * pause, Self.lastLook)
        }
        return isReachable
    }
}

/// Releases the inbox of a session as soon as work waits for its client: a client whose stanzas are not read could not
/// acknowledge, and the work would wait for ever.
@LoopActor
final class InboxRelease {
    private var continuation: CheckedContinuation<Void, Never>?

    private init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }

    func release() {
        continuation?.resume()
        continuation = nil
    }

    /// Runs `body` for the session and returns when that releases the inbox, at its end at the latest.
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
