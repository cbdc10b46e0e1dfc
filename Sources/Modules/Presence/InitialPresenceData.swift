internal import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import XMPP

/// What storage says of a user who becomes available, read once for all modules that ask.
@LoopActor
final class InitialPresenceData {
    private static let key = SessionKey<InitialPresenceData>()

    let items: [RosterItem]
    let photoHash: String?
    /// Whether messages wait. Believed only if the session took messages already when storage was asked: what was
    /// stored after that is announced by whoever stored it.
    let hasMessages: Bool

    private init(_ arrival: ArrivalRepository.Arrival, isReceptive: Bool) {
        items = arrival.items
        photoHash = arrival.photoHash
        hasMessages = arrival.hasMessages || !isReceptive
    }

    /// The facts of this arrival; the first to ask has them read.
    static func of(_ session: Session) async throws(StorageError) -> InitialPresenceData {
        if let known = session[key] { return known }
        // Changes of the roster from here on are noted by the state, so nothing falls between it and the reading.
        if session[PresenceState.key] == nil {
            session[PresenceState.key] = PresenceState(last: Stanza(.presence, from: nil, to: nil))
        }
        let isReceptive = session.isAvailable && session.priority >= 0
        let user = UserKey(session.jid)
        let facts = InitialPresenceData(try await session.host.server.store.arrivals.arrival(user), isReceptive: isReceptive)
        session[key] = facts
        return facts
    }

    /// What is known if it was read for this arrival.
    static func known(of session: Session) -> InitialPresenceData? { session[key] }

    /// The arrival is over; a later one reads anew.
    static func forget(_ session: Session) { session[key] = nil }
}
