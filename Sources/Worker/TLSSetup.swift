internal import Configuration
internal import IPC
internal import Network
internal import XMPP

/// The TLS contexts that a configuration describes, and what the library has to say against it.
struct TLSSetup {
    struct Failure: Error {
        let problems: [ReportedProblem]
    }

    let configuration: ServerConfiguration
    private(set) var problems: [ReportedProblem] = []

    init(_ configuration: ServerConfiguration) { self.configuration = configuration }

    /// One set for each listener, nil for those without TLS, in the order of the configuration.
    static func contexts(_ configuration: ServerConfiguration) throws(Failure) -> [ListenerTLS?] {
        var setup = TLSSetup(configuration)
        var sets: [ListenerTLS?] = []
        for listener in configuration.listeners {
            let tls =
                switch listener {
                case .client(let client): client.tls
                case .component(let component): component.tls
                case .server: nil as TLSListenerConfiguration?
                }
            if case .server(let server) = listener {
                sets.append(setup.accepting(server))
            } else {
                sets.append(tls.flatMap { setup.set($0, "\(listener.stream.place).tls") })
            }
        }
        if !setup.problems.isEmpty { throw Failure(problems: setup.problems) }
        return sets
    }

    /// The same for listeners of which this version only judges what their tables say.
    static func judgeFurther(_ configuration: ServerConfiguration) throws(Failure) {
        var setup = TLSSetup(configuration)
        for further in configuration.furtherTLS { _ = setup.own(further.tls, further.path) }
        if !setup.problems.isEmpty { throw Failure(problems: setup.problems) }
    }

    private mutating func set(_ tls: TLSListenerConfiguration, _ path: String) -> ListenerTLS? {
        let certificates = configuration.general.domainCertfiles
        var byName: [String: TLSContext] = [:]
        for (index, entry) in certificates.enumerated() {
            byName[entry.domain] = context(
                Self.options(tls, chain: entry.certfile.contents, key: nil, password: nil), tls, path,
                certificate: "general.domain_certfile[\(index + 1)].certfile", entry.certfile.path)
        }
        // A client asks for the name as DNS spells it (RFC 6066 §3), the configuration has it as addresses do.
        for (name, context) in byName {
            let plain = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
            guard plain.utf8.contains(where: { $0 >= 0x80 }), let ascii = JID.asciiDomain(plain) else { continue }
            byName[(name == plain ? "" : "*.") + ascii] = context
        }
        if tls.certfile != nil { return own(tls, path).map { ListenerTLS(standard: $0, byName: byName) } }
        guard let first = certificates.first.flatMap({ byName[$0.domain] }) else { return nil }
        return ListenerTLS(standard: first, byName: byName)
    }

    private mutating func own(_ tls: TLSListenerConfiguration, _ path: String) -> TLSContext? {
        guard let file = tls.certfile else { return nil }
        let options = Self.options(
            tls, chain: file.contents, key: tls.keyfile?.contents, password: tls.password?.reveal())
        return context(options, tls, path, certificate: "\(path).certfile", file.path)
    }

    mutating func context(
        _ options: TLSOptions, _ tls: TLSListenerConfiguration, _ path: String, certificate: String, _ file: String,
        role: TLSRole = .acceptsClients
    ) -> TLSContext? {
        do throws(TLSProblem) {
            return try TLSContext(options: options, role: role)
        } catch {
            let (place, found) = Self.culprit(error, options, tls, path, certificate: certificate, file)
            let position = configuration.position(of: place) ?? configuration.position(of: path)
            let expected = Self.expectation(error.part)
            let problem = ReportedProblem(
                file: "", line: UInt32(clamping: position?.line ?? 0), column: UInt32(clamping: position?.column ?? 0),
                path: place, text: "\(error.part.rawValue): found \(found), expected \(expected) (\(error.reason))")
            report(problem)
            return nil
        }
    }

    /// A certificate that several listeners have is wrong once.
    mutating func report(_ problem: ReportedProblem) {
        if !problems.contains(problem) { problems.append(problem) }
    }

    /// The option that the library complains of, and its value.
    private static func culprit(
        _ problem: TLSProblem, _ options: TLSOptions, _ tls: TLSListenerConfiguration, _ path: String, certificate: String,
        _ file: String
    ) -> (path: String, found: String) {
        func quoted(_ text: String?) -> String { "\"\(text ?? "")\"" }
        switch problem.part {
        case .certificate: return (certificate, quoted(file))
        case .privateKey where options.privateKey == nil: return (certificate, quoted(file))
        case .privateKey: return ("\(path).keyfile", quoted(tls.keyfile?.path))
        case .ciphers: return ("\(path).ciphers", quoted(tls.ciphers))
        case .versions:
            if let versions = tls.versions { return ("\(path).versions", "[\(versions.map(quoted).joined(separator: ", "))]") }
            let names = tls.protocolOptions.map(quoted).joined(separator: ", ")
            return ("\(path).protocol_options", "[\(names)]")
        case .dhParameters: return ("\(path).dhfile", quoted(tls.dhfile?.path))
        case .certificateAuthorities: return ("\(path).cacertfile", quoted(tls.cacertfile?.path))
        case .revocationLists: return ("\(path).crl_files", "[\(tls.crlFiles.map { quoted($0.path) }.joined(separator: ", "))]")
        case .library, .handshake, .session: return (path, "these options")
        }
    }

    static func expectation(_ part: TLSProblem.Part) -> String {
        switch part {
        case .certificate: "the path of a file with a PEM certificate chain that OpenSSL can read"
        case .privateKey: "the private key of the certificate, which password opens if it is encrypted"
        case .ciphers: "an OpenSSL cipher list that leaves a suite"
        case .versions: "a version of TLS that is left and that OpenSSL can do"
        case .dhParameters: "the path of a file with PEM Diffie-Hellman parameters that OpenSSL takes"
        case .certificateAuthorities: "the path of a file with PEM certificates that OpenSSL can read"
        case .revocationLists: "paths of files with PEM certificate revocation lists that OpenSSL can read"
        case .library, .handshake, .session: "what OpenSSL can do"
        }
    }

    private static func options(
        _ tls: TLSListenerConfiguration, chain: [UInt8], key: [UInt8]?, password: String?
    ) -> TLSOptions {
        TLSOptions(
            certificateChain: chain, privateKey: key, password: password, ciphers: tls.ciphers,
            versions: tls.versions.map { Set($0.compactMap(TLSOptions.Version.init(rawValue:))) },
            protocolOptions: tls.protocolOptions, dhParameters: tls.dhfile?.contents,
            verification: verification(tls.verifyMode), certificateAuthorities: tls.cacertfile?.contents,
            revocationLists: tls.crlFiles.map(\.contents),
            // The fast profile never ends a handshake for a bad certificate: SASL is told of it.
            disconnectOnFailure: tls.module == .justTLS && tls.disconnectOnFailure)
    }

    private static func verification(_ mode: TLSListenerConfiguration.VerifyMode) -> TLSOptions.Verification {
        switch mode {
        case .peer: .peer
        case .none: .none
        case .selfsignedPeer: .selfSignedPeer
        }
    }
}

/// The certificates of a listener.
struct ListenerTLS: Sendable {
    private let contexts: TLSContextSet
    private let byName: [String: TLSContext]

    init(standard: TLSContext, byName: [String: TLSContext]) {
        contexts = TLSContextSet(standard: standard, byName: byName)
        self.byName = byName
    }

    /// What a client is shown that names no server by SNI and `domain` in its stream header, if that.
    func contexts(for domain: String?) -> TLSContextSet {
        guard let domain, !byName.isEmpty else { return contexts }
        return TLSContextSet(standard: contexts.context(for: domain), byName: byName)
    }
}
