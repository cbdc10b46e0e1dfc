import TestKit
import Testing
import XML

/// What others have left for a user while nobody was there does not keep the user out.
@Suite("A flooded user", .timeLimit(.minutes(5)))
struct FloodedUserTests {
    @Test("logs in and gets all large messages in order, and the requests of strangers, with two workers")
    func logsIn() throws {
        let server = try ServerUnderTest.shared()
        let strangers = ["a", "b", "c"]
        try server.addAccounts("romeo", "juliet", strangers[0], strangers[1], strangers[2])
        let romeo = try server.join("romeo", toWorker: 0)
        let filler = String(repeating: "x", count: 250_000)
        for number in 100..<136 {
            try romeo.send("<message type='chat' to='juliet@localhost'><body>\(number)\(filler)</body></message>")
        }
        let prefixes = (0..<50).map { " xmlns:p\($0)='urn:\(String(repeating: "n", count: 1000)):\($0)'" }.joined()
        let elements = (0..<2000).map { "<p\($0 % 50):e/>" }.joined()
        for number in 136..<139 {
            try romeo.send(
                "<message type='chat' to='juliet@localhost'><body>\(number)</body><x xmlns='urn:x'\(prefixes)>\(elements)</x></message>"
            )
        }
        let errors = try settle([romeo])[0].filter { $0["type"] == "error" }
        for stranger in strangers {
            let client = try server.join(stranger, toWorker: 1)
            try client.send(
                "<presence type='subscribe' to='juliet@localhost'><status>\(String(repeating: "s", count: 200_000))</status></presence>"
            )
            _ = try settle([client])
        }
        let juliet = try server.logIn("juliet", toWorker: 1)
        try juliet.send("<presence/>")
        for stranger in strangers {
            try juliet.wait("a request") { $0["type"] == "subscribe" && $0["from"] == "\(stranger)@localhost" }
        }
        var numbers: [String] = []
        while numbers.count < 39 - errors.count {
            let message = try juliet.wait("a message", within: 60) { $0.isNamed("message") }
            numbers.append(String(message.child("body")?.text.prefix(3) ?? ""))
        }
        #expect(errors.isEmpty)
        #expect(numbers == (100..<139).map(String.init))
        _ = try settle([juliet, romeo])
    }
}
