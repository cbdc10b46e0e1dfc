import Foundation
import TestKit
import Testing
import XML

/// Guessing passwords from one address, with two workers that count together.
@Suite("Guessing passwords", .timeLimit(.minutes(5)))
struct PasswordGuessingTests {
    /// The condition of a login with PLAIN over a connection of its own; nil for success.
    private func logIn(_ server: ServerUnderTest, _ user: String, _ password: String) throws -> String? {
        let client = try server.connect()
        try client.open()
        return try client.authenticate("PLAIN", "\u{0}\(user)\u{0}\(password)")
    }

    @Test("comes to an end in refusals, however many connections are used; neighbours and the owner get in")
    func guessing() throws {
        let server = try ServerUnderTest { $0.workers = 2 }
        try server.addAccounts("juliet", "romeo", "nurse")
        for user in ["juliet", "romeo"] { #expect(try logIn(server, user, user) == nil) }
        // Strangers to an account that is not there: all at once, so that they would wait for one another.
        let crowd = try (0..<60).map { _ in try server.connect() }
        for client in crowd { try client.open() }
        let message = Data("\u{0}nobody\u{0}guess".utf8).base64EncodedString()
        for client in crowd {
            try client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(message)</auth>")
        }
        func answers() throws -> [String: Int] {
            try crowd.reduce(into: [:]) { conditions, client in
                let answer = try client.wait("the outcome of a guess") { $0.isNamed("failure") }
                conditions[answer.firstChild?.name ?? "", default: 0] += 1
            }
        }
        _ = try answers()
        for client in crowd {
            try client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(message)</auth>")
        }
        let conditions = try answers()
        #expect((conditions["not-authorized"] ?? 0) > 0 && (conditions["not-authorized"] ?? 0) < 30, "\(conditions)")
        #expect((conditions["temporary-auth-failure"] ?? 0) > 30, "\(conditions)")
        // Who has logged in from here does not stand in the queue of the strangers; a stranger does, and gets in.
        #expect(try logIn(server, "juliet", "juliet") == nil)
        #expect(try logIn(server, "romeo", "romeo") == nil)
        #expect(server.log.contains("wrong passwords again and again"))
    }
}
