internal import CLDAP
public import Configuration
internal import Glibc

/// A connection to an LDAP directory. Every wait ends at a deadline.
public final class DirectoryConnection: ServiceConnection, @unchecked Sendable {
    /// What a search found.
    public struct Entry: Sendable, Equatable {
        /// Its distinguished name.
        public let name: String
        /// Values by the attribute's name, in lower case: to LDAP case makes no difference.
        public let attributes: [String: [String]]

        public init(name: String, attributes: [String: [String]]) {
            self.name = name
            self.attributes = attributes
        }

        public func values(_ attribute: String) -> [String] { attributes[attribute.lowercased()] ?? [] }
    }

    public struct Search: Sendable {
        public var base: String
        /// As RFC 4515 writes it, with what users have a hand in escaped.
        public var filter: String
        public var attributes: [String]
        public var dereferencing: LDAPAuthOptions.Dereference
        /// How many entries are wanted at most; 0: all that the directory gives.
        public var limit: Int

        public init(
            base: String, filter: String, attributes: [String],
            dereferencing: LDAPAuthOptions.Dereference, limit: Int
        ) {
            self.base = base
            self.filter = filter
            self.attributes = attributes
            self.dereferencing = dereferencing
            self.limit = limit
        }
    }

    private let library: cldap
    private var handle: OpaquePointer?

    private init(_ library: cldap, _ handle: OpaquePointer) {
        self.library = library
        self.handle = handle
    }

    deinit { close() }

    // MARK: Connecting

    static let missing = "libldap-2.5.so.0 is missing: install the Debian package libldap-2.5-0"
    static var isAvailable: Bool { cldap_load() != nil }

    /// Connects to the first of the servers that takes us, as the pool's own name.
    static func open(
        _ options: DirectoryConnectionConfiguration, _ files: TLSFiles?, _ deadline: Deadline
    ) -> Result<DirectoryConnection, ServiceFailure> {
        guard let library = cldap_load()?.pointee else {
            return .failure(.unreachable(missing))
        }
        var last = ServiceFailure.unreachable("there is no server")
        for (index, server) in options.servers.enumerated() {
            // Those that come later get their part of the time.
            let share = deadline.remaining / Int64(options.servers.count - index)
            switch open(library, server, options, files, deadline.within(share)) {
            case .success(let connection): return .success(connection)
            case .failure(let failure): last = failure
            }
        }
        return .failure(last)
    }

    private static func open(
        _ library: cldap, _ server: String, _ options: DirectoryConnectionConfiguration, _ files: TLSFiles?,
        _ deadline: Deadline
    ) -> Result<DirectoryConnection, ServiceFailure> {
        let host = server.contains(":") ? "[\(server)]" : server
        let url = "\(options.tls == nil ? "ldap" : "ldaps")://\(host):\(options.port)"
        // The library's own way to connect spins where a server does not go on with a handshake.
        let descriptor: Int32
        switch OutgoingSocket.connect(to: server, port: options.port, deadline) {
        case .failure(let failure): return .failure(failure.at(url))
        case .success(let connected): descriptor = connected
        }
        var handle: OpaquePointer?
        guard library.initialize(descriptor, LDAP_PROTO_TCP, url, &handle) == LDAP_SUCCESS, let handle else {
            Glibc.close(descriptor)
            return .failure(.unreachable("\(url) is no address of a directory"))
        }
        let connection = DirectoryConnection(library, handle)
        if let failure = connection.setUp(options, files, deadline) { return .failure(failure.at(url)) }
        let password = options.rootDN.isEmpty ? "" : options.password.reveal()
        switch connection.bind(options.rootDN, password, deadline) {
        case .success(true): return .success(connection)
        // Some take nobody in particular, and yet users.
        case .success(false) where options.rootDN.isEmpty: return .success(connection)
        case .success(false): return .failure(.unreachable("\(url) refuses root_dn \"\(options.rootDN)\" with its password"))
        case .failure(let failure): return .failure(failure.at(url))
        }
    }

    /// Settings and, where it is wanted, the handshake of TLS.
    private func setUp(
        _ options: DirectoryConnectionConfiguration, _ files: TLSFiles?, _ deadline: Deadline
    ) -> ServiceFailure? {
        guard let handle else { return .unreachable("closed") }
        setNumber(LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3)
        // Nil is LDAP_OPT_OFF: other directories are not followed to with our password.
        _ = library.setOption(handle, LDAP_OPT_REFERRALS, nil)
        guard let tls = options.tls else { return nil }
        guard let files else { return .unreachable("no memory for the files of TLS") }
        setNumber(LDAP_OPT_X_TLS_REQUIRE_CERT, tls.verifiesPeer ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER)
        if tls.verifiesPeer { _ = library.setOption(handle, LDAP_OPT_X_TLS_CACERTFILE, files.authorities) }
        if let certificate = files.certificate, let key = files.key {
            _ = library.setOption(handle, LDAP_OPT_X_TLS_CERTFILE, certificate)
            _ = library.setOption(handle, LDAP_OPT_X_TLS_KEYFILE, key)
        }
        let numbers = (tls.versions ?? ["tlsv1.2", "tlsv1.3"]).compactMap { Self.versions[$0] }
        if let lowest = numbers.min(), let highest = numbers.max() {
            setNumber(LDAP_OPT_X_TLS_PROTOCOL_MIN, lowest)
            setNumber(LDAP_OPT_X_TLS_PROTOCOL_MAX, highest)
        }
        // A context of its own with these settings, for a client.
        var isServer: Int32 = 0
        guard library.setOption(handle, LDAP_OPT_X_TLS_NEWCTX, &isServer) == LDAP_SUCCESS else {
            return .unreachable("the LDAP library refuses the options of TLS")
        }
        let (code, hasExpired) = guarded(deadline) { library.installTLS(handle) }
        if hasExpired { return .silent("no TLS handshake in time") }
        return code == LDAP_SUCCESS ? nil : .unreachable("TLS: \(diagnosis ?? text(of: code))")
    }

    /// What the library says of its last failure, beyond a code.
    private var diagnosis: String? {
        var text: UnsafeMutablePointer<CChar>?
        guard library.getOption(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text) == LDAP_SUCCESS, let text else { return nil }
        defer { library.freeText(text) }
        return text.pointee == 0 ? nil : String(cString: text)
    }

    private func text(of code: Int32) -> String {
        library.errorText(code).map { String(cString: $0) } ?? "error \(code)"
    }

    private var descriptor: Int32? {
        guard let handle else { return nil }
        var descriptor: Int32 = -1
        guard library.getOption(handle, LDAP_OPT_DESC, &descriptor) == LDAP_SUCCESS, descriptor >= 0 else { return nil }
        return descriptor
    }

    /// Does what may read from a server that stops in the middle of a message; whether the time was up before its end.
    private func guarded<R>(_ deadline: Deadline, _ body: () -> R) -> (R, hasExpired: Bool) {
        guard let descriptor else { return (body(), false) }
        let watchdog = SocketWatchdog(descriptor, deadline)
        let result = body()
        return (result, watchdog.call())
    }

    private func setNumber(_ option: Int32, _ number: Int32) {
        var number = number
        _ = library.setOption(handle, option, &number)
    }

    private static let versions = ["tlsv1": 0x301, "tlsv1.1": 0x302, "tlsv1.2": 0x303, "tlsv1.3": 0x304] as [String: Int32]

    /// An idle connection that has something to say is one that the directory is about to end.
    public var isUsable: Bool {
        guard let descriptor else { return false }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 0
    }

    public func keepAlive(_ deadline: Deadline) -> ServiceFailure? { nil }

    public func close() {
        if let handle { _ = library.unbind(handle, nil, nil) }
        handle = nil
    }

    // MARK: Asking

    /// Whether the directory knows this name with this password (RFC 4513 §5.1). The connection is that name's from now on.
    /// - Parameter name: empty with an empty password for an anonymous connection. A name without a password would be
    ///   one, too, whoever's name it is (§5.1.2): it is refused here.
    public func bind(_ name: String, _ password: String, _ deadline: Deadline) -> Result<Bool, ServiceFailure> {
        guard let handle else { return .failure(.unreachable("the connection is closed")) }
        guard name.isEmpty == password.isEmpty else { return .success(false) }
        var identifier: Int32 = 0
        let code = Self.withBytes(password) { credentials in
            library.saslBind(handle, name, cldap_simple, credentials, nil, nil, &identifier)
        }
        guard code == LDAP_SUCCESS else { return .failure(failure(code)) }
        switch receive(identifier, all: false, deadline) {
        case .failure(let failure): return .failure(failure)
        case .success(let message):
            let result = outcome(of: message)
            switch result {
            case LDAP_SUCCESS: return .success(true)
            case LDAP_INVALID_CREDENTIALS, LDAP_INAPPROPRIATE_AUTH, LDAP_NO_SUCH_OBJECT, LDAP_INVALID_DN_SYNTAX,
                LDAP_INSUFFICIENT_ACCESS, LDAP_UNWILLING_TO_PERFORM, LDAP_CONSTRAINT_VIOLATION:
                return .success(false)
            default: return .failure(failure(result))
            }
        }
    }

    /// The entries that a search finds; none where its base is not there.
    public func search(_ search: Search, _ deadline: Deadline) -> Result<[Entry], ServiceFailure> {
        guard let handle else { return .failure(.unreachable("the connection is closed")) }
        setNumber(LDAP_OPT_DEREF, search.dereferencing.number)
        var names = search.attributes.map { strdup($0) } + [nil]
        defer { for name in names { free(name) } }
        var identifier: Int32 = 0
        var interval = deadline.interval
        let code = library.search(
            handle, search.base, LDAP_SCOPE_SUBTREE, search.filter, &names, 0, nil, nil, &interval, Int32(clamping: search.limit),
            &identifier)
        guard code == LDAP_SUCCESS else { return .failure(failure(code)) }
        switch receive(identifier, all: true, deadline) {
        case .failure(let failure): return .failure(failure)
        case .success(let message):
            let entries = entries(of: message, search.attributes)
            switch outcome(of: message) {
            case LDAP_SUCCESS, LDAP_SIZELIMIT_EXCEEDED: return .success(entries)
            case LDAP_NO_SUCH_OBJECT: return .success([])
            case let result: return .failure(failure(result))
            }
        }
    }

    /// The answer to a question: all of it at once, or its end.
    private func receive(_ identifier: Int32, all: Bool, _ deadline: Deadline) -> Result<OpaquePointer, ServiceFailure> {
        guard let handle else { return .failure(.unreachable("the connection is closed")) }
        var interval = deadline.interval
        var message: OpaquePointer?
        let (kind, hasExpired) = guarded(deadline) {
            library.result(handle, identifier, all ? LDAP_MSG_ALL : LDAP_MSG_ONE, &interval, &message)
        }
        if kind > 0, let message { return .success(message) }
        if kind == 0 || hasExpired {
            close()
            return .failure(.silent("the directory gave no answer in time"))
        }
        var code = LDAP_SERVER_DOWN
        _ = library.getOption(handle, LDAP_OPT_RESULT_CODE, &code)
        return .failure(failure(code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code))
    }

    /// The result code of an answer, which is given back to the library with this.
    private func outcome(of message: OpaquePointer) -> Int32 {
        var code = LDAP_OTHER
        let parsed = library.parseResult(handle, message, &code, nil, nil, nil, nil, 1)
        return parsed == LDAP_SUCCESS ? code : parsed
    }

    /// What a code means that is no answer to the question. What says that the connection is of no more use closes it.
    private func failure(_ code: Int32) -> ServiceFailure {
        let text = text(of: code)
        if code == LDAP_TIMEOUT {
            close()
            return .silent("the directory gave no answer in time")
        }
        // Negative codes are the library's own: no server, no connection.
        guard code < 0 || [LDAP_BUSY, LDAP_UNAVAILABLE].contains(code) else { return .refused(text) }
        close()
        return .unreachable(text)
    }

    private func entries(of message: OpaquePointer, _ attributes: [String]) -> [Entry] {
        var entries: [Entry] = []
        var next = library.firstEntry(handle, message)
        while let entry = next {
            if let name = library.name(handle, entry) {
                var values: [String: [String]] = [:]
                for attribute in attributes { values[attribute.lowercased()] = self.values(of: entry, attribute) }
                entries.append(Entry(name: String(cString: name), attributes: values))
                library.freeText(name)
            }
            next = library.nextEntry(handle, entry)
        }
        return entries
    }

    private func values(of entry: OpaquePointer, _ attribute: String) -> [String] {
        guard let list = library.values(handle, entry, attribute) else { return [] }
        defer { library.freeValues(list) }
        var values: [String] = []
        var index = 0
        while let value = list[index] {
            let bytes = UnsafeRawBufferPointer(start: value.pointee.bv_val, count: Int(value.pointee.bv_len))
            values.append(String(decoding: bytes, as: UTF8.self))
            index += 1
        }
        return values
    }

    /// Calls `body` with the bytes of a text, which last no longer than the call.
    private static func withBytes<R>(_ text: String, _ body: (UnsafeMutablePointer<berval>) -> R) -> R {
        var bytes = text.utf8.map { CChar(bitPattern: $0) } + [0]
        let count = bytes.count - 1
        return bytes.withUnsafeMutableBufferPointer { buffer in
            var value = berval(bv_len: ber_len_t(count), bv_val: buffer.baseAddress)
            return withUnsafeMutablePointer(to: &value, body)
        }
    }
}

extension ServiceFailure {
    /// The same with the server's address in front.
    fileprivate func at(_ url: String) -> ServiceFailure {
        switch self {
        case .unreachable(let text), .refused(let text): .unreachable("\(url): \(text)")
        case .silent(let text): .silent("\(url): \(text)")
        case .notAsked(let text): .notAsked(text)
        }
    }
}

extension LDAPAuthOptions.Dereference {
    fileprivate var number: Int32 {
        switch self {
        case .never: LDAP_DEREF_NEVER
        case .searching: LDAP_DEREF_SEARCHING
        case .finding: LDAP_DEREF_FINDING
        case .always: LDAP_DEREF_ALWAYS
        }
    }
}
