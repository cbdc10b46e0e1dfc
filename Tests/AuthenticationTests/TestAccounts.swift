import Configuration
import Glibc
import Network
import Pools
import Storage
import Testing

@testable import Authentication

/// The accounts of one host in two workers of one server, over one database.
@LoopActor
final class TestAccounts {
    nonisolated static let domain = "example.org"

    let workers: [Accounts]
    let resources: [AuthenticationResources]
    private let database: AccountDatabase

    /// `auth` is the part of a configuration file that names the methods.
    init(_ auth: String = "[auth.internal]") async throws {
        database = try await AccountDatabase()
        let configuration = try Self.configuration(auth)
        let (store, pools) = (database.repositories, OutgoingPools([], slot: 0, processes: 2))
        resources = (0..<2).map { _ in AuthenticationResources(store: store, pools: pools) { _ in UserSessions() } }
        workers = resources.map { Accounts(domain: Self.domain, options: configuration, $0) }
    }

    /// Those of the first worker.
    var accounts: Accounts { workers[0] }
    var store: Repositories { database.repositories }

    /// How many keys have been derived on a worker.
    func derivations(on worker: Int = 0) -> Int { resources[worker].derivations.begun }

    nonisolated static func configuration(
        _ auth: String, _ files: any FileSource = DiskFiles()
    ) throws -> AuthenticationConfiguration {
        let text = "[general]\nhosts = [\"\(domain)\"]\ndefault_server_domain = \"\(domain)\"\n\(auth)"
        let loaded = ConfigurationLoader.load(text: Array(text.utf8), path: "accounts.toml", files: files)
        guard case .loaded(let configuration, _) = loaded else { throw UnreadableConfiguration(text: "\(loaded)") }
        return configuration.host(domain).authentication
    }

    struct UnreadableConfiguration: Error { let text: String }
}

/// A file in a directory of its own, removed at the end.
private final class AccountDatabase: Sendable {
    let repositories: Repositories
    private let directory: String
    private let database: SQLiteDatabase

    init() async throws {
        var template = Array("/tmp/xmppd-authentication-XXXXXX".utf8CString)
        let isMade = mkdtemp(&template) != nil
        try #require(isMade)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        database = try SQLiteDatabase(path: directory + "/test.db") { Issue.record("\($1): \($0)") }
        try await Schema.migrate(database)
        repositories = Repositories(database)
    }

    deinit {
        database.close()
        for name in ["test.db", "test.db-wal", "test.db-shm", "test.db-turn"] { unlink(directory + "/" + name) }
        rmdir(directory)
    }
}
