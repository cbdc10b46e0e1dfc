import Glibc
import IPC
import Testing

/// What keeps a master from starting, and what it says then.
@Suite(.timeLimit(.minutes(5)))
struct StartTests {
    @Test func aSecondMasterIsRefusedAndNamesTheFirst() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        #expect(try server.runAnother(["--config", server.configuration]) == 69)
        #expect(server.log.contains("another xmppd is running (pid \(server.pid))"))
        // The same control socket with another pid file, and the same pid file with another control socket.
        try server.write(to: "other.toml", pidFile: "other.pid")
        #expect(try server.runAnother(["--config", "\(server.directory)/other.toml"]) == 69)
        try server.write(to: "other.toml", control: "other.sock")
        #expect(try server.runAnother(["--config", "\(server.directory)/other.toml"]) == 69)
        #expect(access("\(server.directory)/other.sock", F_OK) != 0)
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test func problemsArePrintedAndNothingIsStarted() throws {
        let server = try TestServer(options: "no_such_option = 1\nlanguage = 5", isStarted: false)
        #expect(try server.runAnother(["--config", server.configuration]) == 78)
        #expect(server.log.contains("xmppd.toml:5:1: general.no_such_option: unexpected key"))
        #expect(server.log.contains("xmppd.toml:6:"))
        #expect(access(server.controlSocket, F_OK) != 0)
        #expect(access("\(server.directory)/xmppd.pid", F_OK) != 0)
    }

    @Test func whatOnlyTheWorkerProgramCanJudgeIsJudgedBeforeTheStart() throws {
        let server = try TestServer(options: "# the worker refuses this", isStarted: false)
        #expect(try server.runAnother(["--check", "--config", server.configuration]) == 78)
        #expect(server.log == "\(server.configuration):1:2: listen.c2s[1].tls.certfile: has expired\n")
        #expect(try server.runAnother(["--config", server.configuration]) == 78)
        try server.write()
        #expect(try server.runAnother(["--check", "--config", server.configuration]) == 0)
    }

    @Test func aCheckThatCrashesIsNoApproval() throws {
        let server = try TestServer(options: "# the worker crashes on this", isStarted: false)
        #expect(try server.runAnother(["--check", "--config", server.configuration]) == 78)
        #expect(server.log.contains("ended without a verdict (killed by signal 6 (SIGABRT))"))
    }

    @Test func aTakenAddressIsNamedWithItsRemedy() throws {
        let first = try TestServer()
        try first.observer.wait(for: "READY=1")
        let port = try #require(try first.status()["listeners"]?.array?[0]["port"]?.int)
        let second = try TestServer(isStarted: false)
        try second.append("\n[[listen.c2s]]\nip_address = \"127.0.0.1\"\nport = \(port)\n")
        #expect(try second.runAnother(["--config", second.configuration]) == 69)
        #expect(second.log.contains("listen.c2s[3] (127.0.0.1:\(port)): cannot listen: Address already in use"))
        #expect(second.log.contains("ss -lntp"))
    }

    @Test func wrongUsageAndQuestions() throws {
        let server = try TestServer(isStarted: false)
        #expect(try server.runAnother(["--nonsense"]) == 64)
        #expect(try server.runAnother(["--config"]) == 64)
        #expect(try server.runAnother(["--help"]) == 0)
        #expect(try server.runAnother(["--version"]) == 0)
        #expect(try server.runAnother(["--config", "/nonexistent/xmppd.toml"]) == 78)
        #expect(server.log.contains("/nonexistent/xmppd.toml: cannot read the configuration"))
    }
}
