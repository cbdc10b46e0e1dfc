import Configuration
import Glibc
import IPC
import Testing

@testable import Master

/// Whether two listeners fit beside each other: the check of a configuration and the kernel say the same.
@Suite("Listeners that overlap", .timeLimit(.minutes(10)))
struct OverlapTests {
    private static let addresses: [(ip: String, version: Int)] = [
        ("127.0.0.1", 4), ("127.0.0.2", 4), ("0.0.0.0", 4), ("::1", 6), ("::", 6), ("127.0.0.1", 6), ("0.0.0.0", 6),
        ("::ffff:127.0.0.1", 6),
    ]

    private func table(_ address: (ip: String, version: Int), port: UInt16, _ transport: String, _ isShared: Bool) -> String {
        """
        [[listen.c2s]]
        ip_address = "\(address.ip)"
        ip_version = \(address.version)
        port = \(port)
        proto = "\(transport)"
        reuse_port = \(isShared)

        """
    }

    private func load(_ tables: String) -> ConfigurationLoader.Result {
        ConfigurationLoader.load(
            text: Array("general.hosts = [\"localhost\"]\n\(tables)".utf8), path: "x.toml", files: BundledFiles([]))
    }

    @Test("what the kernel refuses is found before, and what it takes is taken", arguments: ["tcp", "udp"])
    func kernel(_ transport: String) throws {
        for one in Self.addresses {
            for other in Self.addresses {
                for shared in [(false, false), (true, false), (false, true), (true, true)] {
                    guard case .loaded(let first, _) = load(table(one, port: 0, transport, shared.0)) else {
                        throw TestFailure("\(one)")
                    }
                    let held = try ListenerSet(first.listeners.map(ListenerSetting.init), workers: 1)
                    let port = held.bound[0].descriptor.port
                    let result = load(table(one, port: port, transport, shared.0) + table(other, port: port, transport, shared.1))
                    let pair = "\(one) and \(other), shared \(shared), \(transport)"
                    switch (result, binds(other, port, transport, shared.1)) {
                    case (.loaded, true): break
                    case (.refused(let problems), false):
                        #expect(problems.map(\.kind) == [.duplicateListeners], "\(pair)")
                        #expect(
                            problems[0].path.hasPrefix("listen.c2s[2]")
                                && problems[0].hint?.contains("listen.c2s[1] in line") == true, "\(pair)")
                    case (.refused, true):
                        // One address twice is refused although it could be shared.
                        #expect(shared == (true, true) && isSame(one, other), "\(pair): refused, and could be bound")
                    case (.loaded, false): Issue.record("\(pair): taken, and cannot be bound")
                    }
                    withExtendedLifetime(held) {}
                }
            }
        }
    }

    private func isSame(_ one: (ip: String, version: Int), _ other: (ip: String, version: Int)) -> Bool {
        one.ip.split(separator: ":").last == other.ip.split(separator: ":").last
    }

    private func binds(_ address: (ip: String, version: Int), _ port: UInt16, _ transport: String, _ isShared: Bool) -> Bool {
        guard case .loaded(let configuration, _) = load(table(address, port: port, transport, isShared)) else { return false }
        return (try? ListenerSet(configuration.listeners.map(ListenerSetting.init), workers: 1)) != nil
    }
}
