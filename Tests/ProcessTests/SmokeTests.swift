import TestKit
import Testing
import XML

@Suite("A server starts and serves", .timeLimit(.minutes(5)))
struct SmokeTests {
    @Test("two clients on different workers exchange messages")
    func messagesCrossWorkers() throws {
        let server = try ServerUnderTest()
        try server.addAccounts("juliet", "romeo")
        let juliet = try server.join("juliet", resource: "balcony", toWorker: 0)
        let romeo = try server.join("romeo", resource: "orchard", toWorker: 1)
        try juliet.send("<message to='romeo@localhost' type='chat' id='m1'><body>Art thou not Romeo?</body></message>")
        let message = try romeo.wait("a message") { $0.isNamed("message") }
        #expect(message["from"] == "juliet@localhost/balcony")
        #expect(message["to"] == "romeo@localhost")
        #expect(message.child("body")?.text == "Art thou not Romeo?")
        let rest = try settle([juliet, romeo])
        #expect(rest.joined().isEmpty, "\(rest)")
    }
}
