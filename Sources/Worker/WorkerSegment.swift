internal import Configuration
internal import IPC
internal import Network
internal import SharedState

/// What a worker shares with the others in the segment, and what all its listeners need of it.
@LoopActor
final class WorkerSegment {
    let slot: Int
    let cell: WorkerCell?
    let logins: LoginLimits
    let registrations: AddressTimers
    /// Makes the salts that clients see of accounts that do not exist; the same on all workers.
    let secret: [UInt8]
    var isMeshCongested = false
    private let counters: ListenerCounters

    init(segment: SharedSegment, slot: Int, secret: [UInt8]) {
        self.slot = slot
        self.secret = secret
        segment.use(slot)
        cell = WorkerCells(segment).writer(slot)
        counters = ListenerCounters(segment)
        logins = LoginLimits(segment)
        registrations = AddressTimers(segment, .registration)
        counters.forgetOpen(slot: slot)
    }

    func opened(_ listener: ListenerDescriptor) {
        cell?.add(.connections)
        _ = counters.admit(Int(listener.index), slot: slot)
    }

    func closed(_ listener: ListenerDescriptor) {
        cell?.add(.connections, -1)
        counters.close(Int(listener.index), slot: slot)
    }

    func open(_ listener: ListenerDescriptor) -> Int { counters.open(Int(listener.index)) }

    /// Connections whose proxy has not said yet where they come from.
    func pending(_ listener: ListenerDescriptor) -> Int { counters.pending(Int(listener.index)) }

    func addPending(_ listener: ListenerDescriptor, _ amount: Int64) {
        counters.addPending(Int(listener.index), slot: slot, amount)
    }

    /// Counts something that came and is not served.
    func refused(_ listener: ListenerDescriptor) { counters.refuse(Int(listener.index), slot: slot) }
}
