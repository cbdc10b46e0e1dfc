internal import Kernel
internal import Network

/// A driver of a stream that a listener has accepted.
@LoopActor
protocol AcceptedStream: PeerStream {
    var carrier: any StreamCarrier { get }
}

/// The streams of one listener, whatever they have come to, and those of them that are held back while another worker does
/// not keep up.
@LoopActor
final class ListenerStreams<Driver: AcceptedStream> {
    private var open: [UInt64: Driver] = [:]
    private var paused: [UInt64: Driver] = [:]
    private var hibernation: Loop.Timer?

    var all: [Driver] { Array(open.values) }
    var count: Int { open.count }

    func add(_ driver: Driver) { open[driver.carrier.id] = driver }

    /// - Returns: false if it is none of them.
    func remove(_ driver: Driver) -> Bool {
        paused[driver.carrier.id] = nil
        return open.removeValue(forKey: driver.carrier.id) != nil
    }

    /// Holds a peer back that wrote while another worker does not keep up.
    func pause(_ driver: Driver) {
        paused[driver.carrier.id] = driver
        driver.carrier.pauseReading()
    }

    func resumePaused() {
        let drivers = paused.values
        paused = [:]
        for driver in drivers { driver.carrier.resumeReading() }
    }

    /// Looks now and then for connections that have had no traffic for so long (`hibernate_after`).
    /// - Parameter idle: milliseconds; nil, 0: none is looked for.
    func watchTraffic(idleFor idle: Int64?) {
        hibernation?.cancel()
        hibernation = nil
        guard let idle, idle > 0 else { return }
        hibernation = Loop.every(max(50, min(1000, idle / 2))) { [weak self] in
            guard let self else { return }
            let now = Loop.now
            for driver in open.values { driver.carrier.hibernate(idleFor: idle, now: now) }
        }
    }

    func dropAll() {
        for driver in all { driver.carrier.drop() }
    }
}
