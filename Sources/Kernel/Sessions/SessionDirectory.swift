public import Network
public import SharedState
public import XMPP

/// The sessions of all workers: the shared table, or a plain one in tests.
@LoopActor
public protocol SessionDirectory: AnyObject {
    /// All sessions of a user, as delivery needs them.
    func routes(of user: JID) -> [SessionRoute]
    /// The session with exactly this full address.
    func route(_ full: JID) -> SessionRoute?
    /// Whether the user has a session with all these flags besides the one with exactly this address.
    func hasOther(_ full: JID, with flags: SessionFlags) -> Bool
    /// All sessions of a user with everything that is known of them.
    func sessions(of user: JID) -> [SessionRecord]
    /// Enters a session unless another one has the address.
    /// - Returns: the session that has it; nil if this one was entered.
    func insert(_ record: SessionRecord) throws -> SessionRecord?
    /// Enters a session in the place of one that has the address.
    func replace(_ record: SessionRecord) throws
    /// Changes an entry, if it is still this owner's.
    func update(_ full: JID, owner: SessionOwner, priority: Int8, flags: SessionFlags)
    /// Removes an entry, if it is still this owner's.
    func remove(_ full: JID, owner: SessionOwner)
    func count(host: String) -> Int
    /// Sessions of a host, at most `limit`, for showing to an administrator.
    func list(host: String?, limit: Int) -> [SessionRecord]
    /// Removes up to `limit` sessions that earlier incarnations of a slot left behind.
    /// - Returns: nil when there are no more; the next call begins anew.
    func takeOrphans(slot: UInt8, before incarnation: UInt32, limit: Int) -> [SessionRecord]?
}

/// The streams to the other workers.
@LoopActor
public protocol Mesh: AnyObject {
    /// Sends a frame, encoded once for all its receivers. False if there is no such worker, or its pipe is full: the frame is
    /// dropped.
    @discardableResult
    func send(_ frame: [UInt8], to slot: UInt8) -> Bool
    /// The slots of the other workers that are connected.
    var peers: [UInt8] { get }
}
