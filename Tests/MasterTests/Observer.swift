import Glibc
import Testing

/// Hears what fake workers tell and what the master tells the service manager, in the order in which it happens.
final class Observer {
    let path: String
    /// The master; when it has ended, nothing more is waited for.
    var process: Int32 = -1
    private let descriptor: Int32
    /// What has come and was not waited for.
    private var heard: [String] = []

    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    /// Waits until each of these has been heard, in any order; what else comes meanwhile is kept for later.
    func wait(for events: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
        var missing = events
        for event in events {
            if let place = heard.firstIndex(of: event) {
                heard.remove(at: place)
                missing.removeAll { $0 == event }
            }
        }
        while !missing.isEmpty {
            let event = try hear("\(missing)", sourceLocation)
            if let place = missing.firstIndex(of: event) { missing.remove(at: place) } else { heard.append(event) }
        }
    }

    /// Waits for an event with this beginning and gives its rest.
    func rest(of beginning: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        if let place = heard.firstIndex(where: { $0.hasPrefix(beginning) }) {
            return String(heard.remove(at: place).dropFirst(beginning.count))
        }
        while true {
            let event = try hear(beginning, sourceLocation)
            if event.hasPrefix(beginning) { return String(event.dropFirst(beginning.count)) }
            heard.append(event)
        }
    }

    /// Keeps what comes for later until something can be read there: workers whose words nobody takes would stand still.
    func listen(until other: Int32) {
        while true {
            var entries = [descriptor, other].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&entries, 2, 30_000) > 0, entries[0].revents != 0 else { return }
            heard.append(next())
        }
    }

    /// Whether this has been heard among what was not waited for.
    func hasHeard(_ event: String) -> Bool { heard.contains(event) }

    private func hear(_ wanted: String, _ sourceLocation: SourceLocation) throws -> String {
        var entries = [descriptor, process].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        _ = poll(&entries, 2, 30_000)
        try #require(entries[0].revents != 0, "not heard: \(wanted); heard: \(heard)", sourceLocation: sourceLocation)
        return next()
    }

    private func next() -> String {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
