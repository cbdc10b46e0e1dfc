public import Network
public import Storage
public import XML
public import XMPP

/// The store of messages for users without a session, and for sessions whose clients take long to acknowledge.
@LoopActor
public protocol OfflineStore: AnyObject {
    /// Whether it would store this message if its user had no session.
    func accepts(_ message: Element) -> Bool
    /// Stores messages that were sent to a session of this user; they are on the disk when this returns.
    /// - Returns: the numbers under which they are stored, in order.
    func store(_ messages: [Stanza], for user: JID) async throws(StorageError) -> [Int64]
    /// Deletes messages that a client has acknowledged.
    func forget(_ numbers: [Int64], of user: JID)
    /// - Returns: those of the numbers under which a message is still stored.
    func stored(among numbers: [Int64], of user: JID) async throws(StorageError) -> Set<Int64>
}
