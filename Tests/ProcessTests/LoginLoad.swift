import Foundation
import TestKit
import XML

/// What comes of a login with PLAIN on the plain listener: `success`, or the condition of the failure.
func outcome(_ user: String, _ password: String, on server: ServerUnderTest) throws -> String {
    let client = try server.connect(listener: 1)
    try client.open()
    let message = Data([0] + Array(user.utf8) + [0] + Array(password.utf8)).base64EncodedString()
    try client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(message)</auth>")
    let answer = try client.wait("the outcome of SASL") { $0.isIn("urn:ietf:params:xml:ns:xmpp-sasl") }
    return answer.isNamed("success") ? "success" : answer.firstChild?.name ?? "failure"
}

/// Logs in again and again, on a thread of its own, until it is told to stop; only two outcomes are right.
final class LoginLoad: @unchecked Sendable {
    private let lock = NSLock()
    private var counts: [String: Int] = [:]
    private var isStopped = false
    private let group = DispatchGroup()

    init(_ user: String, on server: ServerUnderTest, threads: Int = 2) {
        for _ in 0..<threads {
            DispatchQueue.global().async(group: group) { [self] in
                while !lock.withLock({ isStopped }) {
                    let result: String
                    do { result = try outcome(user, user, on: server) } catch { result = "no answer: \(error)" }
                    lock.withLock { counts[result, default: 0] += 1 }
                }
            }
        }
    }

    func count(_ outcome: String) -> Int { lock.withLock { counts[outcome] ?? 0 } }

    /// Waits until it has happened once more.
    func waitForAnother(_ outcome: String) throws {
        let before = count(outcome)
        try eventually("a login to end with \(outcome); so far \(lock.withLock { counts })", within: 60) {
            count(outcome) > before + 1
        }
    }

    func stop() -> [String: Int] {
        lock.withLock { isStopped = true }
        group.wait()
        return lock.withLock { counts }
    }
}
