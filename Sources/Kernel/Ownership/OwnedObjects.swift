public import Network

/// The objects of one kind on one worker: those whose keys it owns. It is asked on the loop, for one thing at a time.
@LoopActor
public protocol OwnedObjects: AnyObject {
    /// Takes a frame for an object, which is made if it is not there.
    /// - Parameters:
    ///   - sender: the slot of the worker that sent it.
    ///   - hold: kept as long as what the frame brought could be lost with this worker; then the sender is told that it was.
    func receive(_ payload: [UInt8], for name: String, from sender: UInt8, _ hold: FrameHold?)
    /// A frame that was sent from here has found no owner: none came in time, too much waited, or its owner has died.
    func refuse(_ payload: [UInt8], for name: String)

    /// The objects that are here.
    var names: [String] { get }
    /// An object as bytes, for its new owner. Until `discard` it does not change any more; if the new owner dies before it has
    /// it, this is asked again. Nil if there is none.
    func snapshot(of name: String) -> [UInt8]?
    /// Makes an object from its snapshot.
    /// - Returns: false if the snapshot makes none: the object is lost.
    func adopt(_ snapshot: [UInt8], for name: String) -> Bool
    /// An object of which `snapshot` was asked is this worker's again: it may change.
    func keep(_ name: String)
    /// Forgets an object: another worker has it.
    func discard(_ name: String)
}
