internal import Kernel
internal import Network
internal import SharedState
internal import XMPP

/// Of two sessions of a user that become available at once, lets only one get the stored messages, also where they
/// are on different workers: mutual exclusion with one flag for each session in the shared table (the one-bit algorithm of
/// Burns and Lamport). A session that dies loses its flag with its entry.
@LoopActor
enum OfflineFlushLock {
    private static let retryMilliseconds: Int64 = 50

    /// Waits for the lock.
    /// - Returns: false if the session has ended or lost its connection meanwhile.
    /// - Parameter mustWait: called if another session has the lock.
    static func take(_ session: Session, _ mustWait: @LoopActor () -> Void) async -> Bool {
        while !session.hasEnded {
            session.set(.takesOffline, true)
            if !hasRival(session, where: { isBefore($0, session.owner) }) {
                var waits = hasRival(session, where: { isBefore(session.owner, $0) })
                if waits { mustWait() }
                while waits, !session.hasEnded, !isAway(session) {
                    await Loop.pause(retryMilliseconds)
                    waits = hasRival(session, where: { isBefore(session.owner, $0) })
                }
                if !waits { return !session.hasEnded }
            }
            session.set(.takesOffline, false)
            if isAway(session) { return false }
            mustWait()
            await Loop.pause(retryMilliseconds)
        }
        return false
    }

    /// Gives up when the session's connection is lost: its client may resume on another worker, and must not wait there for
    /// this lock.
    private static func isAway(_ session: Session) -> Bool { session.streamManagement != nil && !session.isAttached }

    static func end(_ session: Session) { session.set(.takesOffline, false) }

    private static func hasRival(_ session: Session, where isRival: (SessionOwner) -> Bool) -> Bool {
        session.host.server.sessions(of: session.jid.bare).contains { $0.flags.contains(.takesOffline) && isRival($0.owner) }
    }

    private static func isBefore(_ one: SessionOwner, _ other: SessionOwner) -> Bool {
        (one.slot, one.incarnation, one.connection) < (other.slot, other.incarnation, other.connection)
    }
}
