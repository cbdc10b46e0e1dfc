internal import CPlatform
internal import Glibc
public import Resolver

/// Where one of our own sockets listens: to recognise a way that leads back to ourselves.
public struct ListeningAddress: Sendable, Hashable {
    private let address: PeerAddress
    /// A socket for all IPv6 addresses that takes IPv4 connections as well.
    private let isForBoth: Bool

    /// Nil for a socket of another family than those of the Internet.
    init?(_ socket: CInt) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        address = PeerAddress(storage)
        guard result == 0, address.form != .local else { return nil }
        var isOnlyIPv6: CInt = 1
        length = socklen_t(MemoryLayout<CInt>.size)
        isForBoth =
            Int32(storage.ss_family) == AF_INET6
            && getsockopt(socket, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &isOnlyIPv6, &length) == 0 && isOnlyIPv6 == 0
    }

    /// Whether a connection to there would come to one of these sockets. An address that another machine passes on to this
    /// one is not recognised.
    public static func isOwn(_ address: InternetAddress, port: UInt16, among sockets: [ListeningAddress]) -> Bool {
        let wanted = PeerAddress(address, port: port)
        let candidates = sockets.filter { $0.address.port == port }
        if candidates.contains(where: { $0.address == wanted }) { return true }
        let wildcards = candidates.filter { $0.address.form.isWildcard && $0.takes(wanted.form) }
        // "No address" as a destination is this machine, too.
        if wanted.form.isWildcard { return !candidates.isEmpty }
        return !wildcards.isEmpty && isOfThisMachine(wanted.form)
    }

    private func takes(_ form: PeerAddress.Form) -> Bool {
        switch (address.form, form) {
        case (.ipv4, .ipv4), (.ipv6, .ipv6): true
        case (.ipv6, .ipv4): isForBoth
        case (.ipv4, .ipv6), (.local, _), (_, .local): false
        }
    }

    private static func isOfThisMachine(_ form: PeerAddress.Form) -> Bool {
        if case .ipv4(let number) = form, number >> 24 == 127 { return true }
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return false }
        defer { freeifaddrs(list) }
        var entry = list
        while let current = entry {
            entry = current.pointee.ifa_next
            guard let address = current.pointee.ifa_addr, let own = PeerAddress.Form(address) else { continue }
            if own == form { return true }
        }
        return false
    }
}

extension PeerAddress.Form {
    var isWildcard: Bool { self == .ipv4(0) || self == .ipv6(0, 0) }

    /// Nil for addresses of other families.
    fileprivate init?(_ address: UnsafePointer<sockaddr>) {
        var storage = sockaddr_storage()
        let family = Int32(address.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        memcpy(&storage, address, size)
        self = PeerAddress(storage).form
    }
}

extension Listener {
    /// Where it listens; nil for an AF_UNIX socket.
    public var address: ListeningAddress? { isClosed ? nil : ListeningAddress(watch.descriptor) }
}
