import Foundation
import IPC
import Synchronization

/// The server that tests use one after another which ask for the same settings. It ends when other settings are asked for, and
/// with the tests.
private final class SharedServer: Sendable {
    static let current = SharedServer()
    private let server = Mutex<ServerUnderTest?>(nil)

    private init() { atexit { SharedServer.current.end() } }

    func end() { server.withLock { $0 = nil } }

    func take(_ settings: ServerSettings) throws -> ServerUnderTest {
        try server.withLock { server in
            if let server, server.isAsStarted, server.settings == settings {
                try server.removeAccounts()
                return server
            }
            // Before the next one starts: two servers are no quicker.
            server = nil
            let new = try ServerUnderTest { $0 = settings }
            server = new
            return new
        }
    }
}

extension ServerUnderTest {
    /// A server without accounts that several tests may use, one after another: for tests that neither restart, reload or kill
    /// anything nor read its log or its numbers. The next such test gets the same one, if it asks for the same settings, without
    /// the accounts of this one and whatever hangs on them.
    public static func shared(_ change: (inout ServerSettings) -> Void = { _ in }) throws -> ServerUnderTest {
        var settings = ServerSettings()
        change(&settings)
        return try SharedServer.current.take(settings)
    }

    /// Whether master and workers are those that were started.
    fileprivate var isAsStarted: Bool {
        guard master?.wait(Deadline(seconds: 0)) == nil, let status = try? status() else { return false }
        return status.state == "running" && status.workers.allSatisfy { $0.state == "ready" && $0.restarts == 0 }
    }

    fileprivate func removeAccounts() throws {
        while let rows = try control("account.list")["rows"]?.array, !rows.isEmpty {
            for row in rows { _ = try control("account.remove", ["jid": row["jid"] ?? .null]) }
        }
        try eventually("the sessions of the test before to end") { try sessions().isEmpty }
    }
}
