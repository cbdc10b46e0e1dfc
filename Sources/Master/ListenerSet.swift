internal import CPlatform
internal import Glibc
internal import IPC

/// Every listening socket of the server, bound before the first worker starts and open as long as the master lives, so
/// that no connection is lost while a worker is replaced.
///
/// All workers wait at one socket, or, where other programs may bind the address too (`reuse_port`), each at a socket of
/// its own in the kernel's group for the address. A socket of a group cannot keep others of the same user out.
struct ListenerSet {
    /// One listener, bound.
    struct Bound {
        let setting: ListenerSetting
        let descriptor: ListenerDescriptor
        /// One for each position; the same one for all unless the address may be shared.
        let sockets: [Descriptor]

        /// A worker that came later than the listener waits together with an earlier one.
        func socket(at position: Int) -> Descriptor { sockets[min(position, sockets.count - 1)] }
    }

    struct Failure: Error, Equatable, CustomStringConvertible {
        let listener: ListenerSetting
        let number: Int32

        var description: String { "\(listener.description): cannot listen: \(reason(number))\(remedy)" }

        private var remedy: String {
            switch number {
            case EADDRINUSE:
                "; another program listens there: stop it (ss -lntp names it) or choose another port"
            case EACCES:
                "; ports below 1024 need the capability CAP_NET_BIND_SERVICE (AmbientCapabilities= in the unit), or start as root"
            case EADDRNOTAVAIL:
                "; no network interface has this address: correct ip_address, or give the interface the address first"
            case EAFNOSUPPORT: "; this system has no such IP version: remove the listener or correct ip_version"
            case EMFILE, ENFILE: "; the limit of open files is too low: raise LimitNOFILE= (ulimit -n)"
            case EINVAL: "; the address must be a literal IPv4 or IPv6 address"
            default: ""
            }
        }
    }

    let bound: [Bound]

    /// Binds all or none.
    init(_ settings: [ListenerSetting], workers: Int) throws(Failure) {
        var bound: [Bound] = []
        for (index, setting) in settings.enumerated() {
            bound.append(try Self.bind(setting, index: index, workers: workers))
        }
        self.bound = bound
    }

    /// Nobody can connect any more, whichever worker has the socket: whoever waits in the queue is reset.
    func refuse() {
        for bound in bound where bound.descriptor.transport == .tcp {
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
            return Bound(setting: listener.setting, descriptor: listener.descriptor, sockets: sockets)
        }
    }

    var possessions: [MasterState.Listener] {
        bound.map {
            MasterState.Listener(setting: $0.setting, descriptor: $0.descriptor, sockets: $0.sockets.map(\.number))
        }
    }

    private static func bind(_ setting: ListenerSetting, index: Int, workers: Int) throws(Failure) -> Bound {
        var address = cplatform_address()
        let parsed = cplatform_parse_address(setting.address, &address)
        guard parsed == 0 else { throw Failure(listener: setting, number: -parsed) }
        address.port = setting.port
        // The first bind may choose the port; it stays in `address` for the others.
        var sockets: [Descriptor] = []
        for _ in 0..<(setting.isShared ? workers : 1) {
            let reusePort: Int32 = setting.isShared ? 1 : 0
            let socket =
                switch setting.transport {
                case .tcp: cplatform_listen_tcp(&address, setting.backlog, reusePort)
                case .udp: cplatform_bind_udp(&address, reusePort)
                }
            guard socket >= 0 else { throw Failure(listener: setting, number: -socket) }
            sockets.append(Descriptor(socket))
        }
        if !setting.isShared { sockets = Array(repeating: sockets[0], count: workers) }
        let descriptor = ListenerDescriptor(
            index: UInt16(clamping: index), kind: setting.kind, position: UInt16(clamping: setting.position),
            address: setting.address, port: address.port, transport: setting.transport)
        return Bound(setting: setting, descriptor: descriptor, sockets: sockets)
    }
}
