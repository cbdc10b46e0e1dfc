import Foundation
import IPC
import Synchronization
import Testing

@testable import xmppctl

@Suite(.timeLimit(.minutes(5)))
struct StartTests {
    /// A shell script in the place of the server.
    private func script(_ text: String, in directory: String) throws -> String {
        let path = directory + "/xmppd"
        try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    private func start(_ words: [String], _ server: FakeServer, _ text: String) throws -> Run {
        let program = try script(text, in: server.directory)
        let environment = ["XMPPD_PROGRAM": program, "XMPPD_CONTROL_SOCKET": server.socket]
        return xmppctl(["start"] + words, Circumstances(environment: environment))
    }

    /// A server that answers once the script has written its process id, first with a worker that is not ready.
    private func serverBesideScript() throws -> FakeServer {
        let answers = Mutex(0)
        return try FakeServer { _, directory in
            guard let text = try? String(contentsOfFile: directory + "/pid", encoding: .utf8), text.hasSuffix("\n"),
                let pid = Int64(text.dropLast())
            else { return [.failure(code: "unavailable", text: "not yet")] }
            let isFirst = answers.withLock { count in
                count += 1
                return count == 1
            }
            return [.success(Self.status(pid, isFirst ? "starting" : "ready"))]
        }
    }

    private static func status(_ pid: Int64, _ state: String) -> Value {
        guard case .object(var members) = StatusTests.status(pid: pid, state: state) else { return nil }
        for index in members.indices where members[index].name == "workers" {
            members[index].value = .array(members[index].value.array.map { Array($0.prefix(1)) } ?? [])
        }
        return .object(members)
    }

    private func pid(of server: FakeServer) throws -> pid_t {
        let text = try String(contentsOfFile: server.directory + "/pid", encoding: .utf8)
        return try #require(pid_t(text.dropLast()))
    }

    @Test func waitsUntilAllWorkersAreReady() throws {
        let server = try serverBesideScript()
        let run = try start(
            ["--config", "a.toml"], server,
            "echo \"$@\" > \(server.directory)/words; echo $$ > \(server.directory)/pid; exec sleep 1000")
        let pid = try pid(of: server)
        defer {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        #expect(run == Run(status: 0, output: "xmppd is running (pid \(pid)), 1 worker", errors: ""))
        #expect(try String(contentsOfFile: server.directory + "/words", encoding: .utf8) == "--config a.toml\n")
        #expect(getsid(pid) == pid)
        // What it writes from now on is lost, and takes no memory.
        let errors = open("/proc/\(pid)/fd/2", O_WRONLY)
        defer { close(errors) }
        #expect(write(errors, "x", 1) == -1)
        #expect(errno == EPERM)
    }

    @Test func appendsToTheLog() throws {
        let server = try serverBesideScript()
        let log = server.directory + "/log"
        try Data("before\n".utf8).write(to: URL(filePath: log))
        let run = try start(["--log", log], server, "echo started >&2; echo $$ > \(server.directory)/pid; exec sleep 1000")
        let pid = try pid(of: server)
        defer {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        #expect(run.status == 0)
        #expect(try String(contentsOfFile: log, encoding: .utf8) == "before\nstarted\n")
    }

    @Test(arguments: [("exit 78", 78), ("exit 0", 1), ("kill -9 $$", 1)] as [(String, Int32)])
    func saysWhatAServerSaidThatGaveUp(_ end: String, _ status: Int32) throws {
        let server = try FakeServer { _ in [.failure(code: "unavailable", text: "not yet")] }
        let run = try start(["--config", "a.toml"], server, "echo a.toml:1: wrong >&2; \(end)")
        #expect(run == Run(status: status, output: "", errors: "xmppctl: xmppd did not start:\na.toml:1: wrong"))
    }

    @Test func onlyTheWordsOfThisStartAreTakenFromALog() throws {
        let server = try FakeServer { _ in [.failure(code: "unavailable", text: "not yet")] }
        let log = server.directory + "/log"
        try Data("before\n".utf8).write(to: URL(filePath: log))
        #expect(
            try start(["--log", log], server, "exit 71")
                == Run(status: 71, output: "", errors: "xmppctl: xmppd ended without a word"))
    }

    @Test func aProgramThatIsNotThereIsNamed() throws {
        let server = try FakeServer { _ in [.hangUp] }
        let environment = ["XMPPD_PROGRAM": "/nonexistent/xmppd", "XMPPD_CONTROL_SOCKET": server.socket]
        let run = xmppctl(["start", "--config", "a.toml"], Circumstances(environment: environment))
        #expect(run == Run(status: 1, output: "", errors: "xmppctl: cannot start /nonexistent/xmppd: No such file or directory"))
    }

    @Test func aServerThatRunsIsNotStartedAgain() throws {
        let server = try FakeServer { _ in [.success(StatusTests.status(pid: 812, state: "ready"))] }
        #expect(
            try start([], server, "exit 1") == Run(status: 1, output: "", errors: "xmppctl: xmppd is already running (pid 812)"))
    }

    @Test func theForegroundIsTheServerItself() {
        let environment = ["XMPPD_PROGRAM": "/opt/xmppd"]
        #expect(
            xmppctl(["start", "-f", "-c", "a.toml"], Circumstances(environment: environment)).became == [
                "/opt/xmppd", "--config", "a.toml",
            ])
        #expect(xmppctl(["start", "--foreground"], Circumstances(environment: environment)).became == ["/opt/xmppd"])
    }

    @Test func theServerItselfChecksConfigurations() {
        let run = xmppctl(["config", "check", "a.toml"], Circumstances(environment: ["XMPPD_PROGRAM": "/opt/xmppd"]))
        #expect(run == Run(status: 0, output: "", errors: "", became: ["/opt/xmppd", "--check", "--config", "a.toml"]))
    }
}
