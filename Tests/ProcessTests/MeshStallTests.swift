import Glibc
import IPC
import TestKit
import Testing
import XML

@Suite("A worker that takes nothing from another", .timeLimit(.minutes(5)))
struct MeshStallTests {
    @Test("the log and the status tell it while it lasts, the watchdog ends it, and the other worker serves its clients")
    func stalled() throws {
        let server = try ServerUnderTest { $0.watchdogTimeout = 6 }
        try server.addAccounts("juliet", "romeo", "nurse")
        let juliet = try server.join("juliet", toWorker: 0)
        let romeo = try server.join("romeo", toWorker: 1)
        let nurse = try server.join("nurse", toWorker: 0)
        let hung = try #require(try server.worker(1).pid)
        kill(hung, SIGSTOP)
        try fill(juliet, to: romeo.address)
        let status = try eventually("the full way to be told of", within: 30) {
            let worker = try server.control("status")["workers"]?.array?[0]
            return (worker?["mesh_congested_ms"]?.int ?? 0) >= 1_000 ? worker : nil
        }
        #expect(status["mesh_congested_peers"]?.int == 1)
        let text = try server.xmppctl("status").output
        #expect(text.contains("worker 0: the way to 1 other worker has been full for"), "\(text)")
        try eventually("the log to tell of it") { server.log.contains("the way to another worker is full") }
        #expect(try nurse.ask("get", to: "localhost", "<ping xmlns='urn:xmpp:ping'/>")["type"] == "result")
        try eventually("the hung worker to be replaced", within: 60) {
            let worker = try server.worker(1)
            return worker.state == "ready" && worker.pid != hung
        }
        #expect(server.log.contains("gives no sign of life and is killed"))
        try eventually("the way to be free") {
            let worker = try server.control("status")["workers"]?.array?[0]
            return worker?["mesh_congested_peers"]?.int == 0 && worker?["mesh_congestions"]?.int == 1
        }
        #expect(try server.worker(0).restarts == 0)
        let again = try server.join("romeo", toWorker: 1)
        try nurse.send("<message to='\(again.address)' id='1'><body>x</body></message>")
        try again.wait("a message to the new worker") { $0["id"] == "1" }
    }

    /// Sends until the server takes nothing more, since the way is full, or far more than the way can hold.
    private func fill(_ client: TestClient, to address: String) throws {
        let filler = String(repeating: "x", count: 60_000)
        let message = Array("<message type='headline' to='\(address)'><body>\(filler)</body></message>".utf8)
        for _ in 0..<1_000 {
            do { _ = try client.socket.send(message, Deadline(seconds: 0.3)) } catch { return }
        }
        throw TestFailure("60 MB are taken for a worker that does not read")
    }
}
