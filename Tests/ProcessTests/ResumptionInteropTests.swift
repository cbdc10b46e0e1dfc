import TestKit
import Testing
import XML

/// Another implementation's client resumes its session.
@Suite(
    "slixmpp resumes its session",
    .enabled(if: Programs.canRun(Programs.python), "slixmpp is missing; see packaging/dev"), .timeLimit(.minutes(5)))
struct ResumptionInteropTests {
    @Test("on the other worker: messages come once and in order, presence and carbons stay", arguments: [0, 1])
    func resumes(_ to: Int) throws {
        let server = try ServerUnderTest {
            $0.listeners = [.init(.required), .init()]
            $0.modules += "\n[modules.mod_stream_management]"
        }
        try server.addAccounts("juliet", "romeo")
        let romeo = try server.logIn("romeo", toWorker: 1, listener: 1)
        try romeo.becomeAvailable()
        let juliet = try InteropClient("juliet", on: server)
        try juliet.perform("manage_stream")
        try juliet.connect(to: server, slot: 1 - to)
        try juliet.perform("managed")
        try juliet.perform("roster")
        try juliet.perform("presence")
        try juliet.perform("carbons")
        let address = juliet.address

        for round in 0..<3 {
            for number in 0..<5 { try say(romeo, "\(round).\(number)", to: address) }
            try juliet.waitForMessage("\(round).4")
            try juliet.perform("lose")
            for number in 5..<10 { try say(romeo, "\(round).\(number)", to: number % 2 == 0 ? address : "juliet@localhost") }
            // On one worker, then on the other.
            try juliet.comeBack(to: server, slot: round % 2 == 0 ? to : 1 - to)
            try juliet.waitForMessage("\(round).9")
            #expect(juliet.address == address)
        }
        #expect(juliet.takeMessages() == ["0", "1", "2"].flatMap { round in (0..<9).filter { $0 != 4 }.map { "\(round).\($0)" } })

        // What it sends before it notices is sent again, and comes once.
        let rows = try server.sessions().filter { $0.jid == address }
        #expect(rows.map(\.available) == [true])
        try juliet.perform("message", ["to": romeo.address, "body": "back"])
        try romeo.wait("a message of the resumed session") { $0.child("body")?.text == "back" }

        let other = try server.logIn("juliet", resource: "other", toWorker: 0, listener: 1)
        try other.becomeAvailable()
        try say(romeo, "copied", to: other.address)
        try juliet.wait("a carbon copy") { $0.event == "carbon" && $0.body == "copied" }
    }

    private func say(_ client: TestClient, _ body: String, to address: String) throws {
        try client.send("<message type='chat' id='\(body)' to='\(address)'><body>\(body)</body></message>")
    }
}
