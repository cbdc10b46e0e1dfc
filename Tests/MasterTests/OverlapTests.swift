import Configuration
import Glibc
import IPC
import Testing

@testable import Master

/// Whether two listeners fit beside each other: the check of a configuration and the kernel say the same.
@Suite("Listeners that overlap", .timeLimit(.minutes(10)))
struct OverlapTests {
    /// The tree of the options, which each check of a configuration would make anew if nobody kept it.
    private static let options = OptionTable.tree()
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
        _ = Self.options
        // What the listener of each table asks of the kernel; the pairs differ in the port only.
        let settings = try Self.addresses.map { address in try [false, true].map { try setting(address, transport, $0) } }
        for (one, firsts) in zip(Self.addresses, settings) {
            for (isFirstShared, first) in zip([false, true], firsts) {
                let held = try ListenerSet([first], workers: 1)
                let port = held.bound[0].descriptor.port
                for (other, seconds) in zip(Self.addresses, settings) {
                    for (isSecondShared, var second) in zip([false, true], seconds) {
                        second.port = port
                        let isBound = (try? ListenerSet([second], workers: 1)) != nil
                        let tables =
                            table(one, port: port, transport, isFirstShared) + table(other, port: port, transport, isSecondShared)
                        check(
                            load(tables), isBound, isOnce: isFirstShared && isSecondShared && isSame(one, other),
                            "\(one) and \(other), shared \((isFirstShared, isSecondShared)), \(transport)")
                    }
                }
                withExtendedLifetime(held) {}
            }
        }
    }

    /// - Parameter isOnce: the tables are two of one address that could be shared, which is refused all the same.
    private func check(_ result: ConfigurationLoader.Result, _ isBound: Bool, isOnce: Bool, _ pair: String) {
        switch (result, isBound) {
        case (.loaded, true): break
        case (.refused(let problems), false):
            #expect(problems.map(\.kind) == [.duplicateListeners], "\(pair)")
            #expect(
                problems[0].path.hasPrefix("listen.c2s[2]") && problems[0].hint?.contains("listen.c2s[1] in line") == true,
                "\(pair)")
        case (.refused, true): #expect(isOnce, "\(pair): refused, and could be bound")
        case (.loaded, false): Issue.record("\(pair): taken, and cannot be bound")
        }
    }

    private func setting(_ address: (ip: String, version: Int), _ transport: String, _ isShared: Bool) throws -> ListenerSetting {
        let result = load(table(address, port: 0, transport, isShared))
        guard case .loaded(let configuration, _) = result, let listener = configuration.listeners.first else {
            throw TestFailure("\(address): \(result)")
        }
        return ListenerSetting(listener)
    }

    private func isSame(_ one: (ip: String, version: Int), _ other: (ip: String, version: Int)) -> Bool {
        one.ip.split(separator: ":").last == other.ip.split(separator: ":").last
    }
}
