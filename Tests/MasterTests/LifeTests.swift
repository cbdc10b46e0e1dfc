import Glibc
import IPC
import Operations
import Testing

/// Real processes: a master and its workers, from the start to the end.
@Suite(.timeLimit(.minutes(5)))
struct LifeTests {
    @Test func everyWorkerGetsAllItNeedsAndNothingElse() throws {
        let server = try TestServer(workers: 3)
        try server.observer.wait(
            for: "READY=1", "0.1 begun 0 1 2 3", "1.1 begun 0 1 2 3", "2.1 begun 0 1 2 3", "0.1 segment true", "2.1 segment true",
            "0.1 mesh 1.1 says 1.1", "0.1 mesh 2.1 says 2.1", "1.1 mesh 0.1 says 0.1", "1.1 mesh 2.1 says 2.1",
            "2.1 mesh 0.1 says 0.1", "2.1 mesh 1.1 says 1.1")
        // Port 0 was chosen once for all workers.
        let ports = try (0..<3).map { try server.observer.rest(of: "\($0).1 listener 0 127.0.0.1 ") }
        #expect(Set(ports).count == 1 && ports[0] != "0")
        let status = try server.status()
        #expect(status["listeners"]?.array?[0]["port"]?.int == Int64(ports[0]))
        #expect(status["listeners"]?.array?[1]["address"]?.string == "::1")
        let shape = try #require(OperationCatalog.operation("status")?.result)
        #expect(shape.mismatch(of: status) == nil)
        #expect(status["state"]?.string == "running")
    }

    @Test func aKilledWorkerIsReplacedAndMeshedAnew() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1", "STATUS=2 of 2 workers serving; 0 sessions")
        for incarnation in 2...4 {
            kill(try server.workerPid(1), SIGKILL)
            try server.observer.wait(
                for: "0.1 meshGone 1.\(incarnation - 1)", "1.\(incarnation) start",
                "0.1 mesh 1.\(incarnation) says 1.\(incarnation)",
                "1.\(incarnation) mesh 0.1 says 0.1", "STATUS=2 of 2 workers serving; 0 sessions")
        }
        let worker = try #require(try server.status()["workers"]?.array?[1])
        #expect(worker["restarts"]?.int == 3 && worker["incarnation"]?.int == 4 && worker["state"]?.string == "ready")
        #expect(server.log.contains("killed by signal 9 (SIGKILL)"))
    }

    @Test func aConnectionMadeWhileTheWorkerIsDeadIsServedByItsSuccessor() throws {
        let server = try TestServer(workers: 1, whims: "die-before-ready@0.2")
        try server.observer.wait(for: "READY=1")
        let port = try #require(try server.status()["listeners"]?.array?[0]["port"]?.int)
        kill(try server.workerPid(0), SIGKILL)
        // The second incarnation fails, so the place stays empty for a while.
        try server.observer.wait(for: "0.2 start")
        let connection = try LocalConnection(port: UInt16(port))
        #expect(try connection.readLine() == "0.3")
    }

    @Test func aWorkerThatDiesBeforeReadyIsTriedAgainLater() throws {
        let server = try TestServer(workers: 2, whims: "die-at-once@0.1")
        try server.observer.wait(for: "0.1 begun 0 1 2 3", "0.2 start", "READY=1")
        #expect(server.log.contains("refill_ms=1000"))
        #expect(try server.status()["workers"]?.array?[0]["restarts"]?.int == 1)
    }

    @Test(arguments: ["garbage", "unknown-message", "wrong-version", "close-channel"])
    func aWorkerThatBreaksTheContractIsKilledAndTheMasterGoesOn(whim: String) throws {
        let server = try TestServer(workers: 2, whims: "\(whim)@1.1")
        try server.observer.wait(for: "1.2 start", "0.1 mesh 1.2 says 1.2")
        #expect(server.log.contains("worker broke the contract and is killed worker=1.1"))
        #expect(try server.status()["workers"]?.array?[1]["restarts"]?.int == 1)
    }

    @Test func whoDiesAgainAndAgainIsShown() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        for incarnation in 1...11 {
            try server.observer.wait(for: "1.\(incarnation) start")
            while try server.status()["workers"]?.array?[1]["state"]?.string != "ready" { usleep(1_000) }
            kill(try server.workerPid(1), SIGKILL)
        }
        try server.observer.wait(
            for: "STATUS=1 of 2 workers serving; worker 1 crashes again and again, next start in 1 s; 0 sessions")
        let status = try server.status()
        #expect(status["state"]?.string == "degraded")
        let worker = try #require(status["workers"]?.array?[1])
        #expect(worker["state"]?.string == "waiting")
        #expect(worker["crashes"]?["count"]?.int == 11)
        #expect(worker["crashes"]?["last"]?.string == "killed by signal 9 (SIGKILL)")
        #expect(worker["crashes"]?["next_start_s"]?.int == 1)
        // That all serve has been said before.
        try server.observer.wait(for: "1.12 start")
        while try server.status()["state"]?.string != "running" { usleep(1_000) }
    }

    @Test func termStopsInOrder() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        server.signal(SIGTERM)
        try server.observer.wait(for: "STOPPING=1", "0.1 stop 5000", "1.1 stop 5000")
        #expect(try server.waitForExit() == 0)
        #expect(access(server.controlSocket, F_OK) != 0)
        #expect(access("\(server.directory)/xmppd.pid", F_OK) != 0)
    }

    @Test func aWorkerThatDoesNotLeaveIsKilled() throws {
        let server = try TestServer(whims: "stay@1", drain: 0)
        try server.observer.wait(for: "READY=1")
        server.signal(SIGINT)
        #expect(try server.waitForExit() == 0)
        #expect(server.log.contains("did not leave by the deadline and is killed worker=1.1"))
        #expect(server.log.contains("worker has left worker=0.1 how=\"exit status 0\""))
    }

    @Test func workersNoticeTheDeathOfTheMaster() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        server.signal(SIGKILL)
        #expect(try server.waitForExit() == 128 + SIGKILL)
        try server.observer.wait(for: "0.1 orphaned", "1.1 orphaned")
        // What it left behind does not hinder the next.
        try server.start()
        try server.observer.wait(for: "READY=1")
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test func aConfigurationRefusedByAWorkerAtTheStartIsTheEnd() throws {
        let server = try TestServer(workers: 1, whims: "refuse")
        #expect(try server.waitForExit() == 78)
        #expect(server.log.contains("worker refuses the configuration"))
    }
}

/// A TCP connection to 127.0.0.1.
final class LocalConnection {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    func readLine() throws -> String {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&entry, 1, 30_000) == 1)
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).filter { $0 != "\n" }
    }
}
