internal import COpenSSL

/// One certificate with its key and rules, ready for handshakes. Immutable; sessions keep it alive.
public final class TLSContext: Sendable {
    /// Owned; OpenSSL counts references to it and locks where it changes it.
    nonisolated(unsafe) let pointer: OpaquePointer
    private static let alpn: StaticString = "xmpp-client"

    /// Everything the options name is checked here, so that a context that exists works.
    public init(options: TLSOptions) throws(TLSProblem) {
        ERR_clear_error()
        guard let pointer = copenssl_server_context() else { throw Self.problem(.library) }
        self.pointer = pointer
        try Self.setVersions(options, pointer)
        try Self.setCertificate(options, pointer)
        try Self.setCiphers(options, pointer)
        if let pem = options.dhParameters {
            guard copenssl_set_dh_parameters(pointer, pem, pem.count) == 1 else { throw Self.problem(.dhParameters) }
        }
        try Self.setVerification(options, pointer)
        copenssl_set_name_chooser(pointer) { name in chooseContext(name) }
        copenssl_set_alpn(pointer, UnsafeRawPointer(Self.alpn.utf8Start).assumingMemoryBound(to: CChar.self))
    }

    deinit { SSL_CTX_free(pointer) }

    static func problem(_ part: TLSProblem.Part, _ fallback: String = "not usable") -> TLSProblem {
        let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 160) { text in
            copenssl_take_error(text.baseAddress, text.count)
            return text.baseAddress.map { String(cString: $0) } ?? ""
        }
        return TLSProblem(part, reason.isEmpty ? fallback : reason)
    }

    private static func setVersions(_ options: TLSOptions, _ pointer: OpaquePointer) throws(TLSProblem) {
        let allowed = try options.allowedVersions()
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

    private static func setVerification(_ options: TLSOptions, _ pointer: OpaquePointer) throws(TLSProblem) {
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
