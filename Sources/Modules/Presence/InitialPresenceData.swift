internal import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import XMPP

/// The stored data of a user who becomes available, read once for all modules.
@LoopActor
final class InitialPresenceData {
    private static let key = SessionKey<InitialPresenceData>()

    let items: [RosterItem]
    let photoHash: String?
    /// Whether stored messages wait. Valid only if the session took messages when the read began: later ones are announced by
    /// the worker that stores them.
    let hasMessages: Bool

    private init(_ arrival: ArrivalRepository.Arrival, isReceptive: Bool) {
        items = arrival.items
        photoHash = arrival.photoHash
        hasMessages = arrival.hasMessages || !isReceptive
    }

    /// The data for this initial presence; the first caller starts the read.
    static func of(_ session: Session) async throws(StorageError) -> InitialPresenceData {
        if let known = session[key] { return known }
        // The state notes roster changes from here on, so that none falls between it and the read.
        if session[PresenceState.key] == nil {
            session[PresenceState.key] = PresenceState(last: Stanza(.presence, from: nil, to: nil))
        }
        let isReceptive = session.isAvailable && session.priority >= 0
        let user = UserKey(session.jid)
        let facts = InitialPresenceData(try await session.host.server.store.arrivals.arrival(user), isReceptive: isReceptive)
        session[key] = facts
        return facts
    }

    /// The data, if the read for this initial presence has ended.
    static func known(of session: Session) -> InitialPresenceData? { session[key] }

    /// Forgets the data; a later initial presence reads anew.
    static func forget(_ session: Session) { session[key] = nil }
}
