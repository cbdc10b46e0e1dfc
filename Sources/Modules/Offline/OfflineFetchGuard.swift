internal import Kernel
internal import Network

/// Fetching what waits for a session: one at a time, or what two have read would be sent twice. Who comes meanwhile has the
/// one at work look again.
@LoopActor
final class OfflineFetchGuard {
    private static let key = SessionKey<OfflineFetchGuard>()
    private var looksAgain = false

    static func begin(for session: Session) -> Bool {
        if let errand = session[key] {
            errand.looksAgain = true
            return false
        }
        session[key] = OfflineFetchGuard()
        return true
    }

    static func goesOn(for session: Session) -> Bool {
        guard !session.hasEnded, let errand = session[key], errand.looksAgain else {
            session[key] = nil
            return false
        }
        errand.looksAgain = false
        return true
    }
}
