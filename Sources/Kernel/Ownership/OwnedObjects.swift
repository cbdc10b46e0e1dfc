public import Network

/// The objects of one kind on one worker: those whose keys it owns. It is asked on the loop, for one thing at a time.
@LoopActor
public protocol OwnedObjects: AnyObject {
    /// Takes a frame for an object, which is made if it is not there.
    /// - Parameter sender: the slot of the worker that sent it.
    func receive(_ payload: [UInt8], for name: String, from sender: UInt8)
    /// A frame that was sent here has found no owner: none came in time, or too much waited.
    func refuse(_ payload: [UInt8], for name: String)

    /// The objects that are here.
    var names: [String] { get }
    /// An object as bytes, for its new owner. Until `discard` it does not change any more; if the new owner dies before it has
    /// it, this is asked again. Nil if there is none.
    func snapshot(of name: String) -> [UInt8]?
    /// Makes an object from its snapshot.
    /// - Returns: false if the snapshot makes none: the object is lost.
    func adopt(_ snapshot: [UInt8], for name: String) -> Bool
    /// Forgets an object: another worker has it.
    func discard(_ name: String)
}
