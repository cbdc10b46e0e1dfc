internal import CPlatform
internal import Configuration
internal import Glibc
internal import IPC
internal import Telemetry

/// The listening sockets of the server. Each is open as long as its listener is configured, so that no connection is lost
/// while a worker or a configuration is replaced.
///
/// All workers wait at one socket, or, where other programs may bind the address too (`reuse_port`), each at a socket of
/// its own in the kernel's group for the address. A socket of a group cannot keep others of the same user out.
///
/// A listener that is in the new configuration too keeps its sockets as they are: closing one and opening it again would
/// lose the connections that wait there. So a `reuse_port` that is switched on or off changes what other programs may do
/// from now on, not the number of sockets; and the kernel goes on treating an address that was once shared as shared.
final class ListenerSet {
    /// One listener, bound.
    struct Bound {
        let setting: ListenerSetting
        let descriptor: ListenerDescriptor
        /// One socket, or one for each position.
        let sockets: [Descriptor]
        /// Whether the socket is systemd's, which goes on listening when the server does not.
        var isHanded = false
    }

    /// Another set of listeners, bound and not yet in force; dropping it closes its new sockets.
    struct Change {
        fileprivate(set) var bound: [Bound] = []
        /// Listeners that are new or have moved: workers need their sockets.
        fileprivate(set) var opened: [Bound] = []
        /// Listeners that the new configuration does not have.
        fileprivate(set) var removed: [Bound] = []
    }

    struct Failure: Error, Equatable, CustomStringConvertible {
        let listener: ListenerSetting
        let number: Int32

        var description: String { "\(listener.description): cannot listen: \(reason(number))\(remedy)" }

        /// A hint at systemd's socket units, if systemd has started the server.
        private static let orSocketUnit =
            getenv("NOTIFY_SOCKET") == nil ? "" : "; if it is a socket unit of systemd, set its Service= to this service"

        private var remedy: String {
            switch number {
            case EADDRINUSE:
                "; another program listens there: stop it (ss -lntp names it) or choose another port" + Self.orSocketUnit
            case EACCES:
                "; ports below 1024 need the capability CAP_NET_BIND_SERVICE (AmbientCapabilities= in the unit), or start as root"
            case EADDRNOTAVAIL:
                "; no network interface has this address: correct ip_address, or give the interface the address first"
            case EAFNOSUPPORT: "; this system has no such IP version: remove the listener or correct ip_version"
            case EMFILE, ENFILE: "; the limit of open files is too low: raise LimitNOFILE= (ulimit -n)"
            case EINVAL: "; the address must be a literal IPv4 or IPv6 address"
            case ENOSPC: "; at most \(ListenerSet.limit) listeners are possible"
            default: ""
            }
        }
    }

    /// Most listeners: the shared segment has counters for this many. A configuration with more is refused.
    static let limit = 256

    private(set) var bound: [Bound]
    /// Whether no connection counts under an index any more, so that another listener can have it.
    var isVacant: (Int) -> Bool = { _ in true }
    /// The index that was assigned last.
    private var lastIndex = -1

    /// Binds all listeners or none.
    /// - Parameter handed: sockets that systemd has opened, by the places of their listeners.
    init(_ settings: [ListenerSetting], workers: Int, handed: [Int: Descriptor] = [:]) throws(Failure) {
        bound = []
        bound = try change(to: settings, workers: workers, handed: handed).bound
    }

    /// Shuts the sockets down, for all workers at once: no client connects any more, and connections that wait are reset.
    func refuse() {
        for bound in bound where bound.descriptor.transport == .tcp && !bound.isHanded {
            for socket in bound.sockets { shutdown(socket.number, Int32(SHUT_RDWR)) }
        }
    }

    /// The listeners of the previous program.
    init(adopting listeners: [MasterState.Listener]) {
        // A number that occurs several times gets one `Descriptor`, which closes it once.
        var owned: [Int32: Descriptor] = [:]
        bound = listeners.map { listener in
            let sockets = listener.sockets.map { number -> Descriptor in
                let socket = owned[number] ?? Descriptor(number)
                owned[number] = socket
                return socket
            }
            return Bound(
                setting: listener.setting, descriptor: listener.descriptor, sockets: sockets, isHanded: listener.isHanded)
        }
        lastIndex = bound.map { Int($0.descriptor.index) }.max() ?? -1
    }

    var possessions: [MasterState.Listener] {
        bound.map {
            MasterState.Listener(
                setting: $0.setting, descriptor: $0.descriptor, sockets: $0.sockets.map(\.number), isHanded: $0.isHanded)
        }
    }

    /// The sockets at which the worker of a position accepts.
    static func sockets(of bound: Bound, position: Int, workers: Int) -> [Descriptor] {
        let sockets = bound.sockets
        guard sockets.count > 1 else { return sockets }
        if position >= sockets.count { return [sockets[position % sockets.count]] }
        return sockets.indices.filter { $0 % max(1, workers) == position }.map { sockets[$0] }
    }

    // MARK: Change

    /// Binds the new listeners of these settings, all or none. Those that are bound stay as they are.
    /// - Parameter listens: whether sockets at new addresses begin to listen; connections then wait there.
    func change(
        to settings: [ListenerSetting], workers: Int, listens: Bool = true, handed: [Int: Descriptor] = [:]
    ) throws(Failure) -> Change {
        var change = Change()
        let fates = ListenerFate.all(of: settings.map(\.identity), before: bound.map(\.setting.identity))
        let stays = Set(fates.compactMap(\.predecessor))
        change.removed = bound.indices.filter { !stays.contains($0) }.map { bound[$0] }
        let leaving = change.removed + fates.compactMap { if case .moved(let old) = $0 { bound[old] } else { nil } }
        var taken = Set(bound.map { Int($0.descriptor.index) })
        for (place, (setting, fate)) in zip(settings, fates).enumerated() {
            if case .kept(let old) = fate {
                change.bound.append(bound[old].with(setting))
                continue
            }
            let index: Int
            if case .moved(let old) = fate {
                index = Int(bound[old].descriptor.index)
            } else {
                index = try freeIndex(setting, &taken)
            }
            let new: Bound
            if let socket = handed[place] {
                new = Bound(
                    setting: setting, descriptor: setting.descriptor(index, port: setting.port), sockets: [socket], isHanded: true)
            } else {
                new = try open(setting, index: index, workers: workers, listens: listens, beside: leaving, &change)
            }
            change.bound.append(new)
            change.opened.append(new)
        }
        return change
    }

    /// Puts a change in force.
    /// - Returns: the removed listeners; their sockets stay open as long as these.
    func adopt(_ change: Change) -> [Bound] {
        let gone = bound
        bound = change.bound
        for listener in bound {
            for socket in listener.sockets {
                var shares: Int32 = 1
                if listener.setting.isShared {
                    setsockopt(socket.number, SOL_SOCKET, SO_REUSEPORT, &shares, socklen_t(MemoryLayout<Int32>.size))
                }
                if listener.setting.transport == .tcp, listen(socket.number, listener.setting.backlog) != 0 {
                    Log.error("cannot listen", [Field("listener", listener.setting), Field("reason", reason(errno))])
                }
            }
        }
        return gone
    }

    /// Assigns indices in rotation, so that late reports of a removed listener do not count for its successor.
    private func freeIndex(_ setting: ListenerSetting, _ taken: inout Set<Int>) throws(Failure) -> Int {
        for step in 1...Self.limit {
            let index = (lastIndex + step) % Self.limit
            guard !taken.contains(index), isVacant(index) else { continue }
            taken.insert(index)
            lastIndex = index
            return index
        }
        throw Failure(listener: setting, number: ENOSPC)
    }

    private func open(
        _ setting: ListenerSetting, index: Int, workers: Int, listens: Bool, beside leaving: [Bound], _ change: inout Change
    ) throws(Failure) -> Bound {
        do throws(Failure) {
            return try Self.bind(setting, index: index, workers: workers, listens: listens)
        } catch {
            // 0.0.0.0:5222 keeps 127.0.0.1:5222 from being bound until it is closed. Two sockets of one user may overlap if
            // both are shared; the new one listens from the commit on, and takes no connection from the old one before.
            let inTheWay = leaving.filter { $0.descriptor.port == setting.port && $0.setting.transport == setting.transport }
            guard error.number == EADDRINUSE, !inTheWay.isEmpty else { throw error }
            for socket in inTheWay.flatMap(\.sockets) {
                var shares: Int32 = 1
                setsockopt(socket.number, SOL_SOCKET, SO_REUSEPORT, &shares, socklen_t(MemoryLayout<Int32>.size))
            }
            return try Self.bind(setting, index: index, workers: workers, listens: false, shares: true)
        }
    }

    private static func bind(
        _ setting: ListenerSetting, index: Int, workers: Int, listens: Bool, shares: Bool = false
    ) throws(Failure) -> Bound {
        var address = cplatform_address()
        let parsed = cplatform_parse_address(setting.address, &address)
        guard parsed == 0 else { throw Failure(listener: setting, number: -parsed) }
        address.port = setting.port
        // The first bind may choose the port; `address` then has it for the others.
        var sockets: [Descriptor] = []
        for _ in 0..<(setting.isShared ? workers : 1) {
            let reusePort: Int32 = setting.isShared || shares ? 1 : 0
            let socket =
                switch setting.transport {
                case .tcp where listens: cplatform_listen_tcp(&address, setting.backlog, reusePort)
                case .tcp: cplatform_bind_tcp(&address, reusePort)
                case .udp: cplatform_bind_udp(&address, reusePort)
                }
            guard socket >= 0 else { throw Failure(listener: setting, number: -socket) }
            sockets.append(Descriptor(socket))
        }
        return Bound(setting: setting, descriptor: setting.descriptor(index, port: address.port), sockets: sockets)
    }
}

extension ListenerSet.Bound {
    /// The same sockets under other settings.
    fileprivate func with(_ setting: ListenerSetting) -> ListenerSet.Bound {
        var descriptor = descriptor
        descriptor.position = UInt16(clamping: setting.position)
        return ListenerSet.Bound(setting: setting, descriptor: descriptor, sockets: sockets, isHanded: isHanded)
    }
}

extension ListenerSetting {
    fileprivate func descriptor(_ index: Int, port: UInt16) -> ListenerDescriptor {
        ListenerDescriptor(
            index: UInt16(clamping: index), kind: kind, position: UInt16(clamping: position), address: address, port: port,
            transport: transport)
    }

    /// The parts of a setting that make it the same listener.
    var identity: ListenerIdentity {
        ListenerIdentity(
            kind: kind.section, position: position, address: address, port: Int(port), transport: transport == .tcp ? "tcp" : "udp")
    }
}
