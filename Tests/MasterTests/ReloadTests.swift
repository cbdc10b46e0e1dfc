import Glibc
import IPC
import Testing

struct ReloadTests {
    @Test func allWorkersPrepareThenCommit() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(options: "language = \"de\"")
        guard case .success(let value) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(value["generation"]?.int == 2)
        try server.observer.wait(for: "0.1 prepare 2", "1.1 prepare 2", "0.1 commit 2", "1.1 commit 2", "READY=1")
        // A worker that starts afterwards gets the new one.
        let size = try server.observer.rest(of: "0.1 configure ")
        kill(try server.workerPid(1), SIGKILL)
        #expect(try server.observer.rest(of: "1.2 configure ") != size)
    }

    @Test func hupReloads() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(options: "language = \"de\"")
        server.signal(SIGHUP)
        try server.observer.wait(for: "0.1 commit 2", "1.1 commit 2")
    }

    @Test func oneWorkerThatRejectsStopsItForAll() throws {
        let server = try TestServer(whims: "reject@1")
        try server.observer.wait(for: "READY=1")
        #expect(try server.ask("reload") == .failure(code: "configuration", text: "x.toml:4:5: modules.mod_x: cannot be"))
        try server.observer.wait(for: "0.1 abort 2", "1.1 abort 2")
        #expect(!server.observer.hasHeard("0.1 commit 2"))
        #expect(try server.status()["state"]?.string == "running")
    }

    @Test func aWorkerThatDiesOfItStopsItForAll() throws {
        let server = try TestServer(whims: "die-in-prepare@1.1")
        try server.observer.wait(for: "READY=1")
        guard case .failure("failed", let text) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(text.contains("worker 1.1 died"))
        try server.observer.wait(for: "0.1 abort 2", "1.2 start")
    }

    @Test func aWrongFileIsRefusedWithAllItsProblems() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(options: "one = 1\ntwo = 2")
        guard case .failure("configuration", let text) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(text.split(separator: "\n").count == 2)
        try server.write(options: "# the worker refuses this")
        guard case .failure("configuration", let other) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(other.contains("has expired"))
        #expect(!server.observer.hasHeard("0.1 prepare 2"))
    }

    @Test func whatNeedsNewSocketsIsRefusedByName() throws {
        let server = try TestServer()
        try server.observer.wait(for: "READY=1")
        try server.write(workers: 3)
        guard case .failure("configuration", let text) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(text.contains("xmppd.workers: has changed, which needs a restart"))
        try server.write()
        try server.append("\n[[listen.c2s]]\nip_address = \"127.0.0.1\"\nport = 0\n")
        guard case .failure("configuration", let other) = try server.ask("reload") else { throw TestFailure(server.log) }
        #expect(other.contains("listen.c2s: has changed, which needs a restart"))
    }
}
