internal import CPlatform
internal import Configuration
internal import Glibc
internal import IPC
internal import Telemetry

/// Every listening socket of the server, open for as long as its listener is configured, so that no connection is lost
/// while a worker is replaced or a configuration is.
///
/// All workers wait at one socket, or, where other programs may bind the address too (`reuse_port`), each at a socket of
/// its own in the kernel's group for the address. A socket of a group cannot keep others of the same user out.
///
/// A listener that is in the new configuration too keeps its sockets as they are: closing one and opening it again would
/// lose whoever waits there. So a `reuse_port` that is switched on or off changes what others may do from now on, not how
/// many sockets there are; and the kernel remembers of an address that was once shared that it was.
final class ListenerSet {
    /// One listener, bound.
    struct Bound {
        let setting: ListenerSetting
        let descriptor: ListenerDescriptor
        /// One, or one for each position a worker may have.
        let sockets: [Descriptor]
        /// Whether it is systemd's, which goes on listening when the server does not.
        var isHanded = false
    }

    /// Another set, bound and not yet in force; dropping it closes what is new in it.
    struct Change {
        fileprivate(set) var bound: [Bound] = []
        /// Listeners at addresses of their own so far, or that have moved: their sockets must be handed out.
        fileprivate(set) var opened: [Bound] = []
        /// Listeners that the new configuration does not have.
        fileprivate(set) var removed: [Bound] = []
    }

    struct Failure: Error, Equatable, CustomStringConvertible {
        let listener: ListenerSetting
        let number: Int32

        var description: String { "\(listener.description): cannot listen: \(reason(number))\(remedy)" }

        /// Who else may have the port, where systemd has started this.
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

    /// How many listeners there can be: the shared segment has counters for so many.
    static let limit = 256

    private(set) var bound: [Bound]
    /// Whether an index has nothing open under it any more and can be given to another listener.
    var isVacant: (Int) -> Bool = { _ in true }
    /// The index that was given out last.
    private var lastIndex = -1

    /// Binds all or none.
    /// - Parameter handed: sockets that are open already, by the places of their listeners.
    init(_ settings: [ListenerSetting], workers: Int, handed: [Int: Descriptor] = [:]) throws(Failure) {
        bound = []
        bound = try change(to: settings, workers: workers, handed: handed).bound
    }

    /// Nobody can connect any more, whichever worker has the socket: whoever waits in the queue is reset.
    func refuse() {
        for bound in bound where bound.descriptor.transport == .tcp && !bound.isHanded {
            for socket in bound.sockets { shutdown(socket.number, Int32(SHUT_RDWR)) }
        }
    }

    /// Listeners that another image of the program has bound.
    init(adopting listeners: [MasterState.Listener]) {
        // A socket that several positions share has one owner.
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

    /// The sockets at which the worker of a position waits.
    static func sockets(of bound: Bound, position: Int, workers: Int) -> [Descriptor] {
        let sockets = bound.sockets
        guard sockets.count > 1 else { return sockets }
        if position >= sockets.count { return [sockets[position % sockets.count]] }
        return sockets.indices.filter { $0 % max(1, workers) == position }.map { sockets[$0] }
    }

    // MARK: Change

    /// Binds what is new in these settings, all of it or nothing. Nothing changes for what is bound.
    /// - Parameter listens: whether sockets at addresses of their own begin to listen; connections then wait there.
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

    /// Puts a change in force. The sockets of listeners that are gone stay open with the result.
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

    /// Indices rotate, so that late news of a listener that is gone are not taken for news of its successor.
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
            // 0.0.0.0:5222 keeps 127.0.0.1:5222 from being bound until it goes. Sockets of one user that both share may
            // overlap; the new one listens at the commit, and takes nothing from the old one before.
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
        // The first bind may choose the port; it stays in `address` for the others.
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

    /// What makes two settings the same listener.
    var identity: ListenerIdentity {
        ListenerIdentity(
            kind: kind.section, position: position, address: address, port: Int(port), transport: transport == .tcp ? "tcp" : "udp")
    }
}
