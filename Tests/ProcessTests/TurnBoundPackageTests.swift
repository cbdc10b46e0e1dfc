import Foundation
import TestKit
import Testing

/// The programs as they are installed; none without `packaging/dev package`.
private enum Release {
    static let variables = ProcessInfo.processInfo.environment
    static let package = variables["XMPPD_TEST_PACKAGE"]
    /// A directory of programs to measure in their stead.
    static let directory = variables["XMPPD_TEST_RELEASE"]
    /// Where the package has them.
    static let places = ["usr/sbin/xmppd", "usr/libexec/xmppd/xmppd-worker", "usr/sbin/xmppctl"]
}

/// `Tests/Fuzz/turn_bound.py` on the programs of the Debian package, which are built as they are installed. It runs beside
/// nothing else, as milliseconds ask for; `XMPPD_TEST_RELEASE` names other programs.
@Suite(
    "A bound for every turn",
    .enabled(if: Release.package != nil || Release.directory != nil, "`packaging/dev package` makes the programs"),
    .timeLimit(.minutes(30)))
struct TurnBoundPackageTests {
    @Test("no turn of a worker's loop lasts longer, whatever a peer sends within the limits")
    func turns() throws {
        let scratch = try ScratchDirectory()
        var programs = Release.directory
        if programs == nil {
            let package = try #require(Release.package)
            #expect(try ChildProcess.run("/usr/bin/dpkg-deb", ["-x", package, scratch.file("package")], seconds: 60).status == 0)
            programs = scratch.path
            for place in Release.places {
                let name = URL(filePath: place).lastPathComponent
                try FileManager.default.copyItem(atPath: scratch.file("package/\(place)"), toPath: scratch.file(name))
            }
        }
        let python = try #require(Programs.installed("python3"))
        let run = try ChildProcess.run(
            python,
            [
                "-B", "\(Programs.root)/Tests/Fuzz/turn_bound.py", "--together", "--tries", "5", "--verbose", "--programs",
                try #require(programs),
            ],
            seconds: 1700)
        #expect(run.status == 0, "\(run.output)\(run.error)")
    }
}
