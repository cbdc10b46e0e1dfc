import Foundation

/// Where the programs are that tests start.
public enum Programs {
    /// The directory of the build's products: where the test bundle lies.
    public static let products: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        // The runner may be the bundle itself or a program of the toolchain that loaded it.
        let bundle = own.hasSuffix(".xctest") ? own : CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? own
        return (bundle as NSString).deletingLastPathComponent
    }()

    public static func product(_ name: String) -> String { "\(products)/\(name)" }

    /// A program of the system; nil if it is not installed.
    public static func installed(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The Python that has slixmpp; `packaging/dev test` makes one and names it in `XMPPD_TEST_PYTHON`.
    public static let python: String? = {
        let candidates = [ProcessInfo.processInfo.environment["XMPPD_TEST_PYTHON"], installed("python3")].compactMap { $0 }
        return candidates.first { (try? ChildProcess.run($0, ["-c", "import slixmpp"]).status) == 0 }
    }()

    /// Whether what a test needs may be missing: on a developer's machine its tests are skipped then, where `CI` is set
    /// they run and fail.
    public static func canRun(_ needed: Any?...) -> Bool {
        ProcessInfo.processInfo.environment["CI"] != nil || needed.allSatisfy { $0 != nil }
    }

    /// The tree that the tests were built from.
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
}
