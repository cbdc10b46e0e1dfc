import Foundation
import TestKit
import Testing

/// What `packaging/dev` has made for these tests; nil where the machine does not allow it, which it says.
private enum Made {
    static let package = ProcessInfo.processInfo.environment["XMPPD_TEST_PACKAGE"]
    /// A Debian in a directory, which systemd can boot.
    static let debian = ProcessInfo.processInfo.environment["XMPPD_TEST_DEBIAN"]
}

/// The Debian package, installed in a Debian of its own that systemd boots (`packaging/boot`), under the tests that
/// autopkgtest would run.
@Suite(
    "Debian package", .enabled(if: Made.package != nil && Made.debian != nil, "`packaging/dev package` makes it and tries it"),
    .timeLimit(.minutes(15)))
struct PackageTests {
    @Test("Installed, it passes its own tests", arguments: ["serves", "upgrade", "sockets", "watchdog", "purge"])
    func passes(_ name: String) throws {
        let (package, debian, python) = (try #require(Made.package), try #require(Made.debian), try #require(Programs.python))
        let packaging = Programs.root + "/packaging"
        let environment = URL(filePath: python).deletingLastPathComponent().deletingLastPathComponent().path
        let install = "apt-get install --quiet --yes --no-install-recommends /package.deb"
        let outcome = try ChildProcess.run(
            packaging + "/boot",
            [
                debian, "--bind-ro=\(package):/package.deb", "--bind-ro=\(packaging)/debian/tests:/tests",
                "--bind-ro=\(environment)", "sh", "-c", "\(install) && XMPPD_TEST_PACKAGE=/package.deb exec /tests/\(name)",
            ],
            variables: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "XMPPD_TEST_PYTHON": python], seconds: 600)
        #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.error)")
    }
}
