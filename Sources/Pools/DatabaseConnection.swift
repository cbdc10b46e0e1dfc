internal import CPostgreSQL
internal import Configuration
internal import Glibc

/// A connection to PostgreSQL. Every wait ends at a deadline; what a question consists of travels apart from its text,
/// so that no value can become part of it.
public final class DatabaseConnection: ServiceConnection, @unchecked Sendable {
    /// What a statement gave.
    public struct Answer: Sendable {
        /// Values as text; nil for NULL.
        public var rows: [[String?]] = []
        /// How many rows it changed.
        public var affected = 0
    }

    private let library: cpostgresql
    private var handle: OpaquePointer?
    private let queryMilliseconds: Int64

    private init(_ library: cpostgresql, _ handle: OpaquePointer, queryMilliseconds: Int64) {
        self.library = library
        self.handle = handle
        self.queryMilliseconds = queryMilliseconds
    }

    deinit { close() }

    // MARK: Connecting

    static let missing = "libpq.so.5 is missing: install the Debian package libpq5"
    static var isAvailable: Bool { cpostgresql_load() != nil }

    static func open(
        _ options: DatabaseConnectionConfiguration, _ files: TLSFiles?, _ deadline: Deadline
    ) -> Result<DatabaseConnection, ServiceFailure> {
        guard let library = cpostgresql_load()?.pointee else {
            return .failure(.unreachable(missing))
        }
        let outcome = attempt(library, options, files, encrypted: options.tls != nil, deadline)
        // A server that has no TLS says so, and nobody in between can make one say so that has to prove who it is.
        guard let tls = options.tls, !tls.isRequired, !tls.verifiesPeer, case .failure(let failure) = outcome,
            failure.description.contains("does not support SSL")
        else { return outcome }
        return attempt(library, options, files, encrypted: false, deadline)
    }

    private static func attempt(
        _ library: cpostgresql, _ options: DatabaseConnectionConfiguration, _ files: TLSFiles?, encrypted: Bool,
        _ deadline: Deadline
    ) -> Result<DatabaseConnection, ServiceFailure> {
        if encrypted, files == nil { return .failure(.unreachable("no memory for the files of TLS")) }
        let parameters = parameters(options, encrypted ? files : nil)
        let keys = copies(parameters.map(\.0) + [nil]), values = copies(parameters.map(\.1) + [nil])
        defer { release(keys + values) }
        guard let handle = library.connectStartParams(keys, values, 0) else {
            return .failure(.unreachable("no memory for a connection"))
        }
        let connection = DatabaseConnection(library, handle, queryMilliseconds: options.queryTimeout.milliseconds)
        if let failure = connection.finishConnecting(deadline) { return .failure(failure) }
        return .success(connection)
    }

    /// Keywords of libpq with their values.
    private static func parameters(_ options: DatabaseConnectionConfiguration, _ files: TLSFiles?) -> [(String, String)] {
        var list = [
            ("host", options.host), ("port", "\(options.port)"), ("dbname", options.database),
            ("user", options.username), ("password", options.password.reveal()), ("client_encoding", "UTF8"),
            ("application_name", "xmppd"), ("gssencmode", "disable"), ("passfile", "/dev/null"),
        ]
        guard let tls = options.tls, let files else { return list + [("sslmode", "disable")] }
        if !tls.verifiesPeer {
            list.append(("sslmode", "require"))
        } else {
            list += [("sslmode", tls.namesServer ? "verify-full" : "verify-ca"), ("sslrootcert", files.authorities)]
        }
        list.append(("sslsni", tls.namesServer ? "1" : "0"))
        if let certificate = files.certificate, let key = files.key { list += [("sslcert", certificate), ("sslkey", key)] }
        if let password = tls.password { list.append(("sslpassword", password.reveal())) }
        if let versions = tls.versions?.sorted(), let lowest = versions.first, let highest = versions.last {
            list += [("ssl_min_protocol_version", named(lowest)), ("ssl_max_protocol_version", named(highest))]
        }
        return list
    }

    /// `tlsv1.2` as libpq spells it.
    private static func named(_ version: String) -> String { "TLSv" + version.dropFirst(4) }

    private func finishConnecting(_ deadline: Deadline) -> ServiceFailure? {
        guard let handle else { return .unreachable("closed") }
        _ = library.setNoticeProcessor(handle, cpostgresql_ignore_notice, nil)
        var wanted = POLLOUT
        while library.status(handle) != CONNECTION_BAD {
            let descriptor = library.socket(handle)
            guard descriptor >= 0, deadline.wait(for: descriptor, Int32(wanted)) else {
                return .silent("the database did not let us in before the time was up")
            }
            switch library.connectPoll(handle) {
            case PGRES_POLLING_READING: wanted = POLLIN
            case PGRES_POLLING_WRITING: wanted = POLLOUT
            case PGRES_POLLING_OK:
                _ = library.setNonblocking(handle, 1)
                return nil
            default: return .unreachable(errorText)
            }
        }
        return .unreachable(errorText)
    }

    /// The library's words, on one line.
    private var errorText: String {
        guard let handle, let text = library.errorMessage(handle) else { return "closed" }
        return String(cString: text).split(separator: "\n").joined(separator: " ")
    }

    // MARK: Asking

    /// An idle connection that has something to say is one that the server has ended.
    public var isUsable: Bool {
        guard let handle, library.status(handle) == CONNECTION_OK else { return false }
        var entry = pollfd(fd: library.socket(handle), events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 0) > 0 else { return true }
        return entry.revents & Int16(POLLERR | POLLHUP) == 0 && library.consumeInput(handle) == 1
            && library.status(handle) == CONNECTION_OK
    }

    /// Carries out one statement; `$1` and so on in it are the values, in their order.
    public func query(_ statement: String, _ values: [String?], _ deadline: Deadline) -> Result<Answer, ServiceFailure> {
        guard let handle else { return .failure(.unreachable("the connection is closed")) }
        if values.contains(where: { $0?.utf8.contains(0) == true }) { return .failure(.refused("a value has a zero byte")) }
        let texts = Self.copies(values)
        defer { Self.release(texts) }
        guard library.sendQueryParams(handle, statement, Int32(texts.count), nil, texts, nil, nil, 0) == 1 else {
            return .failure(lost())
        }
        let deadline = deadline.within(queryMilliseconds)
        if let failure = flush(handle, deadline) { return .failure(failure) }
        var last: Result<Answer, ServiceFailure> = .failure(.refused("no answer"))
        while true {
            if let failure = awaitResult(handle, deadline) { return .failure(failure) }
            guard let result = library.getResult(handle) else { break }
            last = read(result)
            library.clear(result)
        }
        if library.status(handle) != CONNECTION_OK { return .failure(lost()) }
        if case .failure(.unreachable) = last { close() }
        return last
    }

    private func flush(_ handle: OpaquePointer, _ deadline: Deadline) -> ServiceFailure? {
        while true {
            switch library.flush(handle) {
            case 0: return nil
            case 1:
                guard deadline.wait(for: library.socket(handle), Int32(POLLIN | POLLOUT)) else { return fellSilent() }
                guard library.consumeInput(handle) == 1 else { return lost() }
            default: return lost()
            }
        }
    }

    private func awaitResult(_ handle: OpaquePointer, _ deadline: Deadline) -> ServiceFailure? {
        while library.isBusy(handle) == 1 {
            guard deadline.wait(for: library.socket(handle), Int32(POLLIN)) else { return fellSilent() }
            guard library.consumeInput(handle) == 1 else { return lost() }
        }
        return nil
    }

    private func lost() -> ServiceFailure {
        let text = errorText
        close()
        return .unreachable(text)
    }

    /// The answer may still come, and would be taken for that to the next question.
    private func fellSilent() -> ServiceFailure {
        close()
        return .silent("the database gave no answer in time")
    }

    private func read(_ result: OpaquePointer) -> Result<Answer, ServiceFailure> {
        switch library.resultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK: return .success(answer(result))
        default:
            let state = field(result, cpostgresql_sqlstate), text = field(result, cpostgresql_primary_message)
            let words = "\(text) (SQLSTATE \(state))"
            // Classes of SQLSTATE: 08 connection, 53 resources, 57P shutdown and start.
            let isAway = ["08", "53", "57P"].contains { state.hasPrefix($0) }
            return .failure(isAway ? .unreachable(words) : .refused(words))
        }
    }

    private func field(_ result: OpaquePointer, _ code: Int32) -> String {
        library.resultErrorField(result, code).map { String(cString: $0) } ?? ""
    }

    private func answer(_ result: OpaquePointer) -> Answer {
        var answer = Answer()
        let columns = library.columns(result)
        answer.rows = (0..<library.rows(result)).map { row in
            (0..<columns).map { column in value(result, row, column) }
        }
        answer.affected = library.affectedRows(result).flatMap { Int(String(cString: $0)) } ?? 0
        return answer
    }

    private func value(_ result: OpaquePointer, _ row: Int32, _ column: Int32) -> String? {
        guard library.isNull(result, row, column) == 0, let bytes = library.value(result, row, column) else { return nil }
        let count = Int(library.length(result, row, column))
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    public func keepAlive(_ deadline: Deadline) -> ServiceFailure? {
        if case .failure(let failure) = query("SELECT 1", [], deadline) { failure } else { nil }
    }

    public func close() {
        if let handle { library.finish(handle) }
        handle = nil
    }

    // MARK: Texts for C

    /// Copies that the library reads during a call, and that `release` takes back after it.
    private static func copies(_ texts: [String?]) -> [UnsafePointer<CChar>?] {
        texts.map { text in text.flatMap { UnsafePointer(strdup($0)) } }
    }

    private static func release(_ copies: [UnsafePointer<CChar>?]) {
        for copy in copies { free(UnsafeMutablePointer(mutating: copy)) }
    }
}
