import Configuration
import Glibc
import IPC
import Network
import SharedState
import Storage
import Testing
import XML
import XMPP

@testable import Kernel

/// Two workers of one server in this process: one database, one table of sessions, a mesh that hands frames over in
/// the next turn of the loop. Clients are streams that end in an array. Time stands while there is a stage (`StageTime`).
@LoopActor
final class Stage {
    static let domain = "example.org"

    let workers: [Server]
    /// What the workers store in; each call of theirs can be made to fail, or to wait.
    let database: StageDatabase
    private var sessions: [Session] = []
    private let link = StageLink()

    /// `modules` is the part of a configuration file that names them, `auth` that of the methods of authentication.
    init(
        _ modules: String = "", _ catalog: [any Module.Type] = [], auth: String = "[auth.internal]",
        archiveBudget: ArchiveBudget = ArchiveBudget()
    ) async throws {
        let configuration = try Self.configuration(modules, auth: auth)
        database = try await StageDatabase(archiveBudget: archiveBudget)
        LoopClock.stop()
        let directory = PlainDirectory()
        let store = database.repositories
        let components = ComponentTable(try SharedSegment.create(workers: 2, sessions: 64))
        workers = [0, 1].map { slot in
            Server(
                slot: slot, incarnation: 1, configuration: configuration, directory: directory, store: store, catalog: catalog,
                components: components)
        }
        for (worker, other) in [(workers[0], workers[1]), (workers[1], workers[0])] {
            worker.mesh = NextTurnMesh(from: worker, to: other, link)
            worker.peerConnected(slot: other.slot, incarnation: 1)
            try worker.start()
        }
    }

    /// Nobody is there any more: what waits for clients need not be stored, nor does any session end later.
    isolated deinit {
        for session in sessions + workers.flatMap({ Array($0.localSessions) }) where !session.hasEnded {
            session.discardAfterMigration()
        }
        // The timers of modules would ring for other tests, whose time is the same.
        for host in workers.flatMap(\.hosts.values) { host.unloadAll() }
        LoopClock.run()
    }

    /// The tree of the options, which each check of a configuration would make anew if nobody kept it.
    private static let options = OptionTable.tree()

    static func configuration(_ modules: String, auth: String = "[auth.internal]") throws -> ServerConfiguration {
        let text = """
            [general]
              hosts = ["\(domain)"]
              default_server_domain = "\(domain)"
              replaced_wait_timeout = 100
            \(auth)
            \(modules)
            """
        _ = options
        let loaded = ConfigurationLoader.load(text: Array(text.utf8), path: "stage.toml", files: DiskFiles())
        guard case .loaded(let configuration, _) = loaded else { throw StageFailure("\(loaded)") }
        return configuration
    }

    func host(_ worker: Int = 0) -> Host { workers[worker].hosts[Self.domain]! }

    var store: Repositories { database.repositories }

    /// The n-th frame from now on that a worker sends finds the other one dead: what was on its way to it is lost, too.
    func failMesh(from worker: Int, atSend count: Int) { link.failure = (UInt8(worker), count) }
    var meshHasFailed: Bool { link.isDown }
    /// From now on no frame is taken, although both workers live: one of them does not read.
    func fillMesh() { link.isFull = true }
    func emptyMesh() { link.isFull = false }

    func account(_ user: String) async throws {
        _ = try await store.accounts.create(
            UserKey(user: user, domain: Self.domain), .init(secret: .plain("secret"), createdAt: 0))
    }

    /// Puts a contact into a user's roster.
    func roster(of user: String, _ contact: String, _ subscription: RosterItem.Subscription) async throws {
        let item = RosterItem(contact: "\(contact)@\(Self.domain)", subscription: subscription)
        _ = try await store.rosters.modify(UserKey(user: user, domain: Self.domain), item.contact) { _ in item }
    }

    /// A session of a new account, or of one that exists.
    func client(_ user: String, _ resource: String = "r", on worker: Int = 0) async throws -> StageClient {
        try await account(user)
        return try await bound(user, resource, on: worker)
    }

    /// Goes on with a session on another connection, as `ClientDriver` does.
    func resumed(_ user: String, _ name: String, handled: UInt32, on worker: Int) async -> (StageClient, Host.Resumption) {
        let work = resuming(user, name, handled: handled, on: worker)
        await StageTime.until { work.result != nil }
        guard case .success(let answer)? = work.result else { return (StageClient(), .refused(.itemNotFound, handled: nil)) }
        return answer
    }

    /// The same, which goes on beside the test.
    func resuming(_ user: String, _ name: String, handled: UInt32, on worker: Int) -> StageTime.Work<(StageClient, Host.Resumption)>
    {
        StageTime.begin { [self] in await resume(user, name, handled: handled, on: worker) }
    }

    private func resume(_ user: String, _ name: String, handled: UInt32, on worker: Int) async -> (StageClient, Host.Resumption) {
        let connection = Connection.newNumber()
        let client = StageClient()
        let answer = await host(worker).resume(
            .prepared(local: user, domain: Self.domain), name: name, handled: handled, connection: connection)
        if case .resumed(let session, _) = answer {
            client.session = session
            sessions.append(session)
            session.attach(client)
        }
        return (client, answer)
    }

    /// A session of somebody whom a method let in.
    func bound(
        _ user: String, _ resource: String = "r", on worker: Int = 0, by method: AuthenticationMethod? = nil
    ) async throws -> StageClient {
        let connection = Connection.newNumber()
        let client = StageClient()
        client.session = try await StageTime.pass { [self] in
            try await host(worker).bind(
                .prepared(local: user, domain: Self.domain), resource: resource, connection: connection, stream: client,
                now: Int64(connection), method: method)
        }
        sessions.append(client.session)
        return client
    }
}

struct StageFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The client of a session: what it says is parsed, what it hears is kept.
@LoopActor
final class StageClient: SessionStream {
    let address = "127.0.0.1"
    let isSecure = true
    /// Bytes that it has not read: none unless it has stopped reading.
    private(set) var queuedBytes = 0
    /// From now on nothing is read, or everything again at once.
    var isReading = true { didSet { if isReading { queuedBytes = 0 } } }
    var isBlocked: Bool { queuedBytes > 0 }
    /// Requests for acknowledgement, and what came beside stanzas.
    var requests: [Element] { heard.filter { $0.isIn(StreamManagementXML.namespace) && $0.isNamed("r") } }
    let queueBound: Int? = nil
    /// It reads and does not look at what it reads, which then costs nothing and need not be XML.
    var isDeaf = false
    fileprivate(set) var session: Session!
    private(set) var heard: [Element] = []
    /// The same as it was written to the stream.
    private(set) var bytes: [[UInt8]] = []
    private(set) var error: StreamError?
    private(set) var isReleased = false
    private(set) var isClosed = false
    private let parser = ElementParser()
    private var ids = 0

    var jid: JID { session.jid }

    func send(_ bytes: UnsafeRawBufferPointer) {
        if !isReading { queuedBytes += bytes.count }
        if isDeaf { return }
        guard let element = try? parser.element(bytes, in: .client, limits: Limits(bytes: .max))
        else {
            Issue.record("not XML: \(String(decoding: bytes, as: UTF8.self))")
            return
        }
        self.bytes.append(Array(bytes))
        heard.append(element)
    }

    func close(_ error: StreamError?) {
        self.error = error
        isClosed = true
        if let error { heard.append(error.element) }
    }
    func release(_ error: StreamError?) {
        self.error = error
        isReleased = true
    }
    func pauseReading() {}
    func resumeReading() {}

    func say(_ xml: String) throws {
        let bytes = Array(xml.utf8)
        session.receive(try bytes.withUnsafeBytes { try parser.element($0, in: .client, limits: Limits(bytes: .max)) })
    }

    /// The first element heard, before or from now on, that fulfils the condition; `nil` after ten seconds without.
    func hears(_ condition: @escaping (Element) -> Bool) async -> Element? {
        _ = await StageTime.passes(within: .seconds(10)) { self.heard.contains(where: condition) }
        return heard.first(where: condition)
    }

    /// Asks and waits for the answer.
    func ask(_ type: String, to: String? = nil, _ payload: String) async throws -> Element {
        ids += 1
        let id = "ask\(ids)"
        try say("<iq type='\(type)' id='\(id)'\(to.map { " to='\($0)'" } ?? "")>\(payload)</iq>")
        return try #require(await hears { $0.isNamed("iq") && $0.attribute("id", equals: id) })
    }

    /// Comes back when everything said before has been handled: an IQ to oneself goes round.
    func settle() async throws {
        ids += 1
        let id = "settle\(ids)"
        try say("<iq type='get' id='\(id)' to='\(jid)'><x xmlns='settle'/></iq>")
        _ = try #require(await hears { $0.attribute("id", equals: id) })
    }
}

extension Element {
    /// The condition of an error stanza.
    var errorCondition: String? { child("error")?.children.first { $0.isIn(Namespace.stanzas) }?.name }
}

/// A file in a directory of its own, removed at the end.
final class StageDatabase: Sendable {
    /// As the workers see it.
    let repositories: Repositories
    let trouble: TroubledDatabase
    private let directory: String
    private let database: SQLiteDatabase

    init(archiveBudget: ArchiveBudget = ArchiveBudget()) async throws {
        var template = Array("/tmp/xmppd-modules-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StageFailure("no directory") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        database = try SQLiteDatabase(path: directory + "/test.db") { Issue.record("\($1): \($0)") }
        try await Schema.migrate(database)
        trouble = TroubledDatabase(database)
        repositories = Repositories(trouble, archiveBudget: archiveBudget)
    }

    deinit {
        database.close()
        for name in ["test.db", "test.db-wal", "test.db-shm", "test.db-turn"] { unlink(directory + "/" + name) }
        rmdir(directory)
    }
}

/// The sessions of all workers, in a dictionary.
@LoopActor
final class PlainDirectory: SessionDirectory {
    private var records: [JID: SessionRecord] = [:]

    private func jid(_ record: SessionRecord) -> JID { JID.prepared(record.bare).with(resource: record.resource) }

    func sessions(of user: JID) -> [SessionRecord] {
        records.values.filter { $0.bare == user.bareText }.sorted { $0.connection < $1.connection }
    }
    func routes(of user: JID) -> [SessionRoute] { sessions(of: user).map(Self.route) }
    func route(_ full: JID) -> SessionRoute? { records[full].map(Self.route) }
    func hasOther(_ full: JID, with flags: SessionFlags) -> Bool {
        records.contains { $0 != full && $0.bare == full.bare && $1.flags.isSuperset(of: flags) }
    }

    private static func route(_ record: SessionRecord) -> SessionRoute {
        SessionRoute(
            resource: record.resource, slot: record.slot, incarnation: record.incarnation,
            connection: record.connection, priority: record.priority, flags: record.flags)
    }

    func insert(_ record: SessionRecord) throws -> SessionRecord? {
        if let old = records[jid(record)] { return old }
        records[jid(record)] = record
        return nil
    }
    func replace(_ record: SessionRecord) throws { records[jid(record)] = record }
    func update(_ full: JID, owner: SessionOwner, priority: Int8, flags: SessionFlags) {
        guard records[full]?.owner == owner else { return }
        records[full]?.priority = priority
        records[full]?.flags = flags
    }
    func remove(_ full: JID, owner: SessionOwner) {
        if records[full]?.owner == owner { records[full] = nil }
    }
    func count(host: String) -> Int { records.values.count { JID.prepared($0.bare).domain == host } }
    func list(host: String?, limit: Int) -> [SessionRecord] { Array(records.values.prefix(limit)) }
    func takeOrphans(slot: UInt8, before incarnation: UInt32, limit: Int) -> [SessionRecord]? { nil }
}

/// The connection between the two workers.
@LoopActor
private final class StageLink {
    /// The worker whose send fails, and how many it has left with that one.
    var failure: (slot: UInt8, after: Int)?
    var isDown = false
    var isFull = false

    func takesFrame(from slot: UInt8) -> Bool {
        guard !isDown, var failure, failure.slot == slot else { return !isDown }
        failure.after -= 1
        self.failure = failure
        isDown = failure.after == 0
        return !isDown
    }
}

/// Brings frames to the other worker, as bytes and not at once.
@LoopActor
private final class NextTurnMesh: Mesh {
    private let own: Server
    private let other: Server
    private let link: StageLink

    init(from own: Server, to other: Server, _ link: StageLink) {
        self.own = own
        self.other = other
        self.link = link
    }

    var peers: [UInt8] { link.isDown ? [] : [other.slot] }

    func send(_ frame: [UInt8], to slot: UInt8) -> Bool {
        guard slot == other.slot, !link.isDown, !link.isFull else { return false }
        guard link.takesFrame(from: own.slot) else {
            Loop.submit { [own, other] in
                own.peerGone(slot: other.slot)
                // The dead worker 1 may have asked for a session; whoever waits for it here is to come back.
                if other.slot == 1 { other.peerGone(slot: own.slot) }
            }
            return false
        }
        Loop.submit { [own, other, link] in
            guard !link.isDown else { return }
            do { try frame.withUnsafeBytes { try other.receive($0, from: own.slot) } } catch { Issue.record(error) }
        }
        return true
    }
}

/// The loop that all tests of this room share, on a thread of its own. A suite starts it before its tests, which run on it.
enum StageLoop {
    static func start() { precondition(Loop.runOnThread()) }
}
