internal import Configuration
internal import Glibc
internal import IPC
internal import Kernel
internal import Network
internal import Telemetry
internal import XMPP

/// A configuration that is being made ready beside the one in force, with everything that came for it.
@LoopActor
final class StagedConfiguration {
    let generation: UInt32
    let bundle: ConfigurationBundle
    /// How many positions there will be.
    let workers: Int
    /// All listeners there are with it.
    let listeners: [ListenerDescriptor]
    /// Sockets that have come for listeners at new addresses.
    var sockets: [(listener: ListenerDescriptor, descriptor: Int32)] = []
    var prepared: PreparedConfiguration?

    init(generation: UInt32, bundle: ConfigurationBundle, workers: Int, listeners: [ListenerDescriptor]) {
        self.generation = generation
        self.bundle = bundle
        self.workers = workers
        self.listeners = listeners
    }

    func closeSockets() {
        for socket in sockets { Glibc.close(socket.descriptor) }
        sockets = []
    }
}

extension WorkerRuntime {
    /// Puts a prepared configuration in force: first, in one go, everything that new streams meet, then, a few at a
    /// time, what open ones have to be told.
    func apply(_ prepared: PreparedConfiguration, _ staged: StagedConfiguration) async -> ReloadEffects {
        var clock = YieldBudget()
        configuration = prepared
        let goneHosts = server.apply(prepared.configuration, workers: staged.workers)
        federation.apply(prepared.federationTLS)
        let goneListeners = replaceListeners(prepared, staged)
        if let level = LogLevel(rawValue: prepared.configuration.general.logLevel) { Log.level = level }
        clock.lap()
        var effects = ReloadEffects()
        for host in goneHosts {
            effects.closings.append(await close(host, &clock))
            server.remove(host)
        }
        for listener in goneListeners {
            effects.closings.append(await close(listener, &clock))
        }
        for listener in listeners {
            for stream in listener.streams {
                stream.followOptions()
                await clock.step()
            }
        }
        effects.pauseMicroseconds = UInt32(clamping: clock.longest)
        return effects
    }

    /// Listeners that the new configuration has not stop accepting.
    private func replaceListeners(_ prepared: PreparedConfiguration, _ staged: StagedConfiguration) -> [any WorkerListener] {
        let stays = Set(staged.listeners.map(\.index))
        let gone = listeners.filter { !stays.contains($0.descriptor.index) }
        listeners.removeAll { !stays.contains($0.descriptor.index) }
        for descriptor in staged.listeners {
            listeners.first { $0.descriptor.index == descriptor.index }?.apply(descriptor, prepared)
        }
        for (descriptor, socket) in staged.sockets { listen(descriptor, socket) }
        staged.sockets = []
        for listener in gone { listener.stopAccepting(othersGoOn: false) }
        return gone
    }

    private func close(_ host: Host, _ clock: inout YieldBudget) async -> ReloadEffects.Closing {
        let error = StreamError(.hostGone)
        var closing = ReloadEffects.Closing(cause: .host, subject: host.domain, sessions: 0, others: 0)
        for session in server.localSessions.filter({ $0.host === host }) where !session.hasEnded {
            session.close(error)
            closing.sessions += 1
            await clock.step()
        }
        // Streams that have named the host and are not bound yet.
        for stream in listeners.flatMap(\.streams) where stream.isOpen(to: host) {
            stream.end(error)
            closing.others += 1
            await clock.step()
        }
        return closing
    }

    /// The condition is `reset`: "new features to offer" and keys that are no longer valid are its cases, and it alone
    /// tells a client to come back at once and begin anew, by the name of the domain, which leads to the listeners that
    /// there are (RFC 6120 §4.9.3.16). The client has done nothing wrong (`policy-violation`), the server stays
    /// (`system-shutdown`), the domain does (`host-gone`), and no other place is known here (`see-other-host`).
    private func close(_ listener: any WorkerListener, _ clock: inout YieldBudget) async -> ReloadEffects.Closing {
        let place = listener.descriptor.address.contains(":") ? "[\(listener.descriptor.address)]" : listener.descriptor.address
        var closing = ReloadEffects.Closing(
            cause: .listener, subject: "\(place):\(listener.descriptor.port)", sessions: 0, others: 0)
        let error = StreamError(.reset, text: "This address is no longer served")
        for stream in listener.streams where !stream.isClosed {
            if stream.hasSession { closing.sessions += 1 } else { closing.others += 1 }
            stream.end(error)
            await clock.step()
        }
        return closing
    }
}

/// Keeps work in pieces, so that the loop does other things in between, and knows how long the longest piece was.
@LoopActor
struct YieldBudget {
    /// The length of a piece in microseconds. The loop does up to sixteen before it looks at descriptors again.
    private static let piece: Int64 = 1_000

    private(set) var longest: Int64 = 0
    private var began = YieldBudget.now

    init() {}

    /// A piece has ended, and the next begins.
    mutating func lap() {
        let now = Self.now
        longest = max(longest, now - began)
        began = now
    }

    /// To be called after each small thing: lets others have their turn when it is time.
    mutating func step() async {
        guard Self.now - began >= Self.piece else { return }
        lap()
        await withCheckedContinuation { continuation in
            Loop.submit { continuation.resume() }
        }
        began = Self.now
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
