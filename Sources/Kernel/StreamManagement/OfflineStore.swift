public import Network
public import Storage
public import XML
public import XMPP

/// What keeps messages for users who are not there, and meanwhile for those whose clients take long to say that they have them.
@LoopActor
public protocol OfflineStore: AnyObject {
    /// Whether it would keep this one if nobody were there.
    func accepts(_ message: Element) -> Bool
    /// Keeps messages that have been sent to a session of this user, on the disk when this answers: under which numbers.
    func store(_ messages: [Stanza], for user: JID) async throws(StorageError) -> [Int64]
    /// These have arrived.
    func forget(_ numbers: [Int64], of user: JID)
    /// Which of these are still stored.
    func stored(among numbers: [Int64], of user: JID) async throws(StorageError) -> Set<Int64>
}
