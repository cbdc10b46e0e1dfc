internal import Kernel
internal import Network

/// Lets one fetch of a session run at a time: two would send the same messages twice. A request during a fetch has it read
/// once more at its end.
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
