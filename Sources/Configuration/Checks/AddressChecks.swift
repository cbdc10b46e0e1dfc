/// Where a listener of the file would listen, and whether the kernel lets another one listen beside it.
struct ListenerPlace: Equatable {
    /// The part of the name space that an address is in: an IPv4 address mapped into IPv6 is an IPv4 address there, and
    /// an IPv6 socket of ours takes no IPv4 connections (IPV6_V6ONLY).
    private enum Family: Equatable { case four, six }

    let path: String
    let line: Int
    let address: ListenerAddress
    /// Whether other sockets of the same user may have the address, if they say so as well (SO_REUSEPORT).
    let isShared: Bool
    private let family: Family
    private let bytes: [UInt8]

    init?(_ table: SettingTable, path: String) {
        let address = ListenerAddress(table)
        guard let parsed = IPAddress(address.address) else { return nil }
        self.path = path
        self.address = address
        line = (table["port"]?.position ?? table.position).line
        isShared = table.boolean("reuse_port") == true
        let mapped = Array(repeating: UInt8(0), count: 10) + [0xff, 0xff]
        if parsed.isIPv6, !parsed.bytes.starts(with: mapped) {
            (family, bytes) = (.six, parsed.bytes)
        } else {
            (family, bytes) = (.four, parsed.bytes.suffix(4))
        }
    }

    private var isEveryAddress: Bool { bytes.allSatisfy { $0 == 0 } }

    func hasAddress(of other: ListenerPlace) -> Bool { family == other.family && bytes == other.bytes }

    /// Whether the kernel refuses the second of two sockets that listen (EADDRINUSE).
    func excludes(_ other: ListenerPlace) -> Bool {
        guard address.port == other.address.port, address.transport == other.address.transport, family == other.family,
            isEveryAddress || other.isEveryAddress || bytes == other.bytes
        else { return false }
        return !(isShared && other.isShared)
    }

    var description: String { "\(address.address) port \(address.port) (\(address.transport))" }
}

extension CrossChecks {
    /// Two listeners may not be in each other's way; port 0 is another one each time. One address twice is refused although
    /// `reuse_port` would make it possible: clients would meet one or the other by chance.
    mutating func checkAddresses() {
        var places: [Int: [ListenerPlace]] = [:]
        for section in ["c2s", "s2s", "service", "component", "http"] {
            for (index, table) in tree.tables("listen.\(section)").enumerated() {
                let path = "listen.\(section)[\(index + 1)]"
                if table.string("proto") == "udp" {
                    validator.warn(
                        "\(path) is bound over udp, where whatever comes is discarded: clients connect over tcp",
                        at: table["proto"]?.position ?? table.position,
                        path: "\(path).proto")
                }
                guard table["port"] != nil, !table.isBroken("ip_address"), !table.isBroken("ip_version") else { continue }
                checkVersion(table, ListenerAddress(table), path: path)
                guard let place = ListenerPlace(table, path: path), place.address.port != 0 else { continue }
                if let other = places[place.address.port]?.first(where: { $0.clashes(with: place) }) {
                    report(place, inTheWayOf: other, at: table["port"]?.position ?? table.position)
                }
                places[place.address.port, default: []].append(place)
            }
        }
    }

    private mutating func report(_ place: ListenerPlace, inTheWayOf other: ListenerPlace, at position: Position) {
        let hint =
            place.hasAddress(of: other)
            ? "\(other.path) in line \(other.line) has them, too"
            : "\(other.path) in line \(other.line) has \(other.description), and one takes in the other; give them different ports, or "
                + "reuse_port to both"
        self.report(
            .duplicateListeners, at: position, "\(place.path).port", found: place.description, "an address and port of its own",
            hint: hint)
    }

    private mutating func checkVersion(_ table: SettingTable, _ address: ListenerAddress, path: String) {
        guard let text = table.string("ip_address"), IPAddress(text)?.isIPv6 == true, address.version == .four
        else { return }
        report(
            .conflict, at: table["ip_version"]?.position ?? table.position, "\(path).ip_version", found: "4",
            "6, since \(path).ip_address is the IPv6 address \"\(text)\"")
    }
}

extension ListenerPlace {
    fileprivate func clashes(with other: ListenerPlace) -> Bool {
        excludes(other) || hasAddress(of: other) && address.transport == other.address.transport
    }
}
