internal import COpenSSL

/// Which end of a connection a context is for, and who is at the other.
public enum TLSRole: Sendable {
    case acceptsClients
    /// Other servers: whatever certificate they have, the handshake succeeds, and what is to be thought of it is a fact
    /// (`Connection.peerCertificate`). It is judged as that of a server.
    case acceptsServers
    /// The same, where the connection is ours. The certificate is shown to who asks for one; there may be none.
    case callsServers

    /// What is agreed on by ALPN where TLS is spoken from the first byte.
    var alpn: StaticString { self == .acceptsClients ? "xmpp-client" : "xmpp-server" }
}

/// One certificate with its key and rules, ready for handshakes. Immutable; sessions keep it alive.
public final class TLSContext: Sendable {
    /// Owned; OpenSSL counts references to it and locks where it changes it.
    nonisolated(unsafe) let pointer: OpaquePointer
    let role: TLSRole

    /// Everything the options name is checked here, so that a context that exists works.
    public init(options: TLSOptions, role: TLSRole = .acceptsClients) throws(TLSProblem) {
        ERR_clear_error()
        let created = role == .callsServers ? copenssl_client_context() : copenssl_server_context()
        guard let pointer = created else { throw Self.problem(.library) }
        self.pointer = pointer
        self.role = role
        try Self.setVersions(options, role, pointer)
        if role != .callsServers || !options.certificateChain.isEmpty { try Self.setCertificate(options, pointer) }
        try Self.setCiphers(options, pointer)
        if let pem = options.dhParameters {
            guard copenssl_set_dh_parameters(pointer, pem, pem.count) == 1 else { throw Self.problem(.dhParameters) }
        }
        try Self.addAuthorities(options, pointer)
        switch role {
        case .acceptsClients: Self.setVerification(options, pointer)
        case .acceptsServers where options.verification == .none: break
        case .acceptsServers, .callsServers: try Self.judgeServers(options, pointer)
        }
        if role == .callsServers { return }
        copenssl_set_name_chooser(pointer) { name in chooseContext(name) }
        copenssl_set_alpn(pointer, UnsafeRawPointer(role.alpn.utf8Start).assumingMemoryBound(to: CChar.self))
    }

    deinit { SSL_CTX_free(pointer) }

    static func problem(_ part: TLSProblem.Part, _ fallback: String = "not usable") -> TLSProblem {
        let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 160) { text in
            copenssl_take_error(text.baseAddress, text.count)
            return text.baseAddress.map { String(cString: $0) } ?? ""
        }
        return TLSProblem(part, reason.isEmpty ? fallback : reason)
    }

    private static func setVersions(_ options: TLSOptions, _ role: TLSRole, _ pointer: OpaquePointer) throws(TLSProblem) {
        var allowed = try options.allowedVersions()
        if role != .acceptsClients {
            allowed.formIntersection([.tlsv1_2, .tlsv1_3])
            if allowed.isEmpty { throw TLSProblem(.versions, "servers speak TLS 1.2 or later with one another") }
        }
        guard let lowest = allowed.min(), let highest = allowed.max() else { return }
        guard copenssl_set_versions(pointer, lowest.number, highest.number) == 1 else { throw problem(.versions) }
        var flags: UInt64 = 0
        for version in TLSOptions.Version.allCases where version > lowest && version < highest && !allowed.contains(version) {
            flags |= version.ban
        }
        for name in options.protocolOptions { flags |= TLSOptions.flags[name] ?? 0 }
        SSL_CTX_set_options(pointer, flags)
        // The old versions sign with SHA-1, which the library's default level refuses: naming them means wanting them.
        if lowest < .tlsv1_2 { SSL_CTX_set_security_level(pointer, 0) }
    }

    private static func setCertificate(_ options: TLSOptions, _ pointer: OpaquePointer) throws(TLSProblem) {
        let chain = options.certificateChain
        guard copenssl_set_certificate_chain(pointer, chain, chain.count) == 1 else {
            throw problem(.certificate, "no certificate found")
        }
        let key = options.privateKey ?? chain
        guard copenssl_set_private_key(pointer, key, key.count, options.password) == 1 else {
            throw problem(.privateKey, "no private key found")
        }
    }

    private static func setCiphers(_ options: TLSOptions, _ pointer: OpaquePointer) throws(TLSProblem) {
        let words = CipherWords(options.ciphers)
        if !words.suites.isEmpty {
            guard SSL_CTX_set_ciphersuites(pointer, words.suites.joined(separator: ":")) == 1 else {
                throw problem(.ciphers, "no such TLS 1.3 suite")
            }
        }
        guard !words.list.isEmpty else { return }
        // Suites without authentication or encryption are never meant, whatever broad word would include them.
        guard SSL_CTX_set_cipher_list(pointer, (words.list + ["!aNULL", "!eNULL"]).joined(separator: ":")) == 1 else {
            throw problem(.ciphers, "no cipher left")
        }
    }

    private static func addAuthorities(_ options: TLSOptions, _ pointer: OpaquePointer) throws(TLSProblem) {
        if let pem = options.certificateAuthorities {
            guard copenssl_add_authorities(pointer, pem, pem.count) > 0 else {
                throw problem(.certificateAuthorities, "no certificate found")
            }
        }
        for pem in options.revocationLists {
            guard copenssl_add_revocation_lists(pointer, pem, pem.count) > 0 else {
                throw problem(.revocationLists, "no revocation list found")
            }
        }
    }

    private static func judgeServers(_ options: TLSOptions, _ pointer: OpaquePointer) throws(TLSProblem) {
        copenssl_note_server_certificate(pointer)
        if options.certificateAuthorities != nil { return copenssl_keep_authorities_private(pointer) }
        guard copenssl_add_system_authorities(pointer) == 1 else { throw problem(.certificateAuthorities) }
    }

    private static func setVerification(_ options: TLSOptions, _ pointer: OpaquePointer) {
        switch options.verification {
        case .none: return
        // Without authorities nothing could be good, so no certificate is asked for.
        case .peer where options.certificateAuthorities == nil: return
        case .peer: copenssl_request_client_certificate(pointer, options.disconnectOnFailure ? 1 : 0, 0)
        case .selfSignedPeer: copenssl_request_client_certificate(pointer, options.disconnectOnFailure ? 1 : 0, 1)
        }
    }
}

/// OpenSSL's question which context a name gets, asked in the middle of a handshake on the loop.
private func chooseContext(_ name: UnsafePointer<CChar>?) -> OpaquePointer? {
    guard let name else { return nil }
    let text = String(cString: name)
    return LoopActor.assumeIsolated { TLSEngine.contexts?.context(for: text).pointer }
}

/// The contexts of a listener: which certificate a client gets follows from the name it asks for (SNI, RFC 6066 §3).
public struct TLSContextSet: Sendable {
    public let standard: TLSContext
    private let byName: [String: TLSContext]

    /// `byName`: lower-case domain names; `*.example.org` stands for every direct subdomain.
    public init(standard: TLSContext, byName: [String: TLSContext] = [:]) {
        self.standard = standard
        self.byName = byName
    }

    /// The context for a name: its own, that of its wildcard, or the standard one.
    public func context(for name: String) -> TLSContext {
        if byName.isEmpty { return standard }
        let name = name.lowercased()
        if let context = byName[name] { return context }
        guard let dot = name.firstIndex(of: ".") else { return standard }
        return byName["*" + name[dot...]] ?? standard
    }
}
