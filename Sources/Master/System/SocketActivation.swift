internal import CPlatform
internal import CSystemd
internal import Glibc
internal import IPC
internal import Supervision

/// A listening socket that systemd has opened for the service.
struct HandedSocket: Equatable {
    /// `FileDescriptorName=` of its unit; by default the unit's name.
    var name: String
    /// Numeric.
    var address: String
    var port: UInt16
    var transport: ListenerDescriptor.Transport
    /// An IPv6 socket that also serves IPv4 (`BindIPv6Only=both`).
    var takesIPv4: Bool

    var description: String { "\(endpoint(address, port)) (FileDescriptorName=\(name))" }
}

/// Matches sockets from systemd (sd_listen_fds(3)) to listeners.
///
/// A socket belongs to the listener with its address and port. If its name is that of a kind of listeners (`c2s`, `s2s`,
/// `service`, `component` or `http`, alone or with something behind a hyphen), it must be one of that kind. Every socket must
/// have its listener; a listener without a socket is bound by the server itself.
enum SocketActivation {
    /// The sockets of this process; empty if it was started another way. To be called once: it clears the environment, so that
    /// programs executed later do not find them.
    static func take() throws(StartFailure) -> [(HandedSocket, Descriptor)] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        defer {
            for place in 0..<max(0, Int(count)) { free(names?[place]) }
            free(names)
        }
        guard count >= 0 else { throw failure("systemd hands over sockets in a way that is not understood: \(reason(-count))") }
        var sockets: [(HandedSocket, Descriptor)] = []
        for place in 0..<Int(count) {
            let descriptor = Descriptor(Int32(place) + 3)
            let name = names?[place].map { String(cString: $0) } ?? "unknown"
            sockets.append((try describe(descriptor, name), descriptor))
        }
        return sockets
    }

    private static func describe(_ descriptor: Descriptor, _ name: String) throws(StartFailure) -> HandedSocket {
        var facts = cplatform_socket()
        switch cplatform_adopt_socket(descriptor.number, &facts) {
        case 0: break
        case -EAFNOSUPPORT:
            throw failure("systemd hands over a socket '\(name)' that is neither IPv4 nor IPv6: correct ListenStream= in its unit")
        case let number: throw failure("systemd hands over '\(name)', which cannot be used: \(reason(-number))")
        }
        let address = withUnsafeBytes(of: &facts.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let isStream = facts.is_stream != 0
        guard !isStream || facts.listens != 0 else {
            throw failure(
                "systemd hands over \(endpoint(address, facts.address.port)) '\(name)', which does not listen: set Accept=no in its unit"
            )
        }
        return HandedSocket(
            name: name, address: address, port: facts.address.port, transport: isStream ? .tcp : .udp,
            takesIPv4: facts.takes_ipv4 != 0)
    }

    private static func failure(_ text: String) -> StartFailure {
        StartFailure(status: ExitStatus.configuration, description: text)
    }

    /// The place of the listener that each socket is for, and the problems of sockets without one.
    static func match(_ sockets: [HandedSocket], _ listeners: [ListenerSetting]) -> (places: [Int], problems: [String]) {
        var (places, problems): ([Int], [String]) = ([], [])
        for socket in sockets {
            let here = listeners.indices.filter { isAt(socket, listeners[$0]) }
            // First a listener with this very address, then one that the socket serves as well.
            guard let place = here.first(where: { listeners[$0].address == socket.address }) ?? here.first else {
                problems.append(
                    "systemd hands over \(socket.description), where no listener is: add one to the configuration, or disable the socket unit"
                )
                continue
            }
            if let kind = kind(of: socket.name), listeners[place].kind != kind {
                problems.append(
                    "systemd hands over \(socket.description), but \(listeners[place]) is at this address: correct FileDescriptorName= or the listener"
                )
                continue
            }
            if places.contains(place) {
                problems.append("systemd hands over \(socket.description) twice: one socket unit is enough for \(listeners[place])")
                continue
            }
            places.append(place)
        }
        for socket in sockets where socket.takesIPv4 && socket.address == "::" {
            for (place, listener) in listeners.enumerated()
            where !places.contains(place) && listener.port == socket.port
                && listener.transport == socket.transport && !listener.address.contains(":")
            {
                problems.append(
                    "systemd hands over \(socket.description), which takes IPv4 as well, and \(listener) cannot be opened beside it:"
                        + " set BindIPv6Only=ipv6-only in the socket unit, or remove the listener")
            }
        }
        return (places, problems)
    }

    private static func isAt(_ socket: HandedSocket, _ listener: ListenerSetting) -> Bool {
        guard socket.port == listener.port, socket.transport == listener.transport else { return false }
        return isSame(socket.address, listener.address)
            || (socket.takesIPv4 && socket.address == "::" && listener.address == "0.0.0.0")
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        if one == other { return true }
        var (first, second) = (cplatform_address(), cplatform_address())
        guard cplatform_parse_address(one, &first) == 0, cplatform_parse_address(other, &second) == 0 else { return false }
        return first.family == second.family && first.scope == second.scope
            && withUnsafeBytes(of: &first.bytes) { bytes in withUnsafeBytes(of: &second.bytes) { bytes.elementsEqual($0) } }
    }

    /// The kind that the name of a unit tells; nil: none.
    private static func kind(of name: String) -> ListenerDescriptor.Kind? {
        switch name.split(separator: "-", maxSplits: 1).first {
        case "c2s": .client
        case "s2s": .server
        case "service", "component": .component
        case "http": .http
        default: nil
        }
    }
}
