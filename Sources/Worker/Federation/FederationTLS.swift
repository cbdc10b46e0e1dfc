internal import Configuration
internal import IPC
internal import Network
internal import XMPP

/// The certificates that this server shows to others when it connects to them.
struct FederationTLS: Sendable {
    /// By hosted domain; that of a domain without one of its own is the standard one.
    let byDomain: [String: TLSContext]
    let standard: TLSContext?
    /// The hosted domains that have a certificate.
    private let certified: Set<String>
    /// Whether the others have one: components' domains, say.
    private let isStandardCertified: Bool

    init(byDomain: [String: TLSContext], standard: TLSContext?, certified: Set<String>, isStandardCertified: Bool) {
        self.byDomain = byDomain
        self.standard = standard
        self.certified = certified
        self.isStandardCertified = isStandardCertified
    }

    func outgoing(for domain: String) -> TLSContext? { byDomain[domain] ?? standard }

    func hasCertificate(of domain: String) -> Bool {
        certified.contains(domain) || byDomain[domain] == nil && isStandardCertified
    }
}

extension TLSSetup {
    /// What is shown to servers that this one connects to.
    static func federation(_ configuration: ServerConfiguration) throws(Failure) -> FederationTLS {
        guard configuration.federates else {
            return FederationTLS(byDomain: [:], standard: nil, certified: [], isStandardCertified: false)
        }
        var setup = TLSSetup(configuration)
        let common = configuration.host("").federation
        var (byDomain, certified): ([String: TLSContext], Set<String>) = ([:], [])
        for domain in configuration.hosts {
            let own = configuration.host(domain).federation
            let certificates = own.domainCertfiles + configuration.general.domainCertfiles
            if let file = certificates.first(where: { $0.domain == domain })?.certfile {
                byDomain[domain] = setup.calling(file, own, of: domain)
                certified.insert(domain)
            } else if own != common {
                byDomain[domain] = setup.calling(nil, own)
                if own.outgoingTLS?.certfile != nil || own.certfile != nil { certified.insert(domain) }
            }
        }
        let standard = setup.calling(nil, common)
        if !setup.problems.isEmpty { throw Failure(problems: setup.problems) }
        let isCertified = common.outgoingTLS?.certfile != nil || common.certfile != nil
        return FederationTLS(
            byDomain: byDomain, standard: standard, certified: certified, isStandardCertified: isCertified)
    }

    /// What a listener for other servers shows; nil where there is no certificate.
    mutating func accepting(_ listener: ServerListenerConfiguration) -> ListenerTLS? {
        let common = configuration.host("").federation
        var byName: [String: TLSContext] = [:]
        for entry in configuration.general.domainCertfiles + common.domainCertfiles {
            byName[entry.domain] = accepting(entry.certfile, listener)
        }
        for (name, context) in byName {
            guard let ascii = JID.asciiDomain(name), ascii != name else { continue }
            byName[ascii] = context
        }
        let standard = (listener.tls?.certfile ?? common.certfile).flatMap { accepting($0, listener) } ?? byName.values.first
        return standard.map { ListenerTLS(standard: $0, byName: byName) }
    }

    private mutating func accepting(_ file: ConfiguredFile, _ listener: ServerListenerConfiguration) -> TLSContext? {
        let tls = listener.tls
        let isOwn = tls?.certfile == file
        var options = TLSOptions(
            certificateChain: file.contents, privateKey: isOwn ? tls?.keyfile?.contents : nil,
            password: isOwn ? tls?.password?.reveal() : nil, ciphers: tls?.ciphers ?? "TLSv1.2:TLSv1.3",
            versions: tls?.versions.map { Set($0.compactMap(TLSOptions.Version.init(rawValue:))) },
            protocolOptions: tls?.protocolOptions ?? [], dhParameters: tls?.dhfile?.contents,
            verification: verifies(listener) ? .peer : .none, certificateAuthorities: tls?.cacertfile?.contents,
            revocationLists: tls?.crlFiles.map(\.contents) ?? [])
        options.disconnectOnFailure = false
        guard let tls else { return context(options, .acceptsServers, "s2s.certfile", file.path) }
        let path = "\(listener.place).tls"
        return context(
            options, tls, path, certificate: isOwn ? "\(path).certfile" : "s2s.certfile", file.path, role: .acceptsServers)
    }

    /// `peer` holds unless the file says otherwise: the authorities are those of the system where it names none.
    private func verifies(_ listener: ServerListenerConfiguration) -> Bool {
        listener.tls.map { !$0.isVerificationOff } ?? true
    }

    /// - Parameter file: the domain's own certificate; nil: that of all links.
    private mutating func calling(
        _ file: ConfiguredFile?, _ federation: FederationConfiguration, of domain: String? = nil
    ) -> TLSContext? {
        let tls = federation.outgoingTLS
        let isOfTable = file == nil && tls?.certfile != nil
        let chain = file ?? tls?.certfile ?? federation.certfile
        let options = TLSOptions(
            certificateChain: chain?.contents ?? [], privateKey: isOfTable ? tls?.keyfile?.contents : nil,
            password: isOfTable ? tls?.password?.reveal() : nil, ciphers: tls?.ciphers ?? federation.ciphers,
            versions: tls?.versions.map { Set($0.compactMap(TLSOptions.Version.init(rawValue:))) }, verification: .peer,
            certificateAuthorities: tls?.cacertfile?.contents, revocationLists: tls?.crlFiles.map(\.contents) ?? [])
        let index = configuration.general.domainCertfiles.firstIndex { $0.domain == domain }
        let place = index.map { "general.domain_certfile[\($0 + 1)].certfile" } ?? (isOfTable ? "s2s.outgoing.tls" : "s2s.certfile")
        return context(options, .callsServers, place, chain?.path ?? "")
    }

    private mutating func context(
        _ options: TLSOptions, _ role: TLSRole, _ place: String, _ file: String
    ) -> TLSContext? {
        do throws(TLSProblem) {
            return try TLSContext(options: options, role: role)
        } catch {
            let position = configuration.position(of: place)
            report(
                ReportedProblem(
                    file: "", line: UInt32(clamping: position?.line ?? 0), column: UInt32(clamping: position?.column ?? 0),
                    path: place,
                    text: "\(error.part.rawValue): found \"\(file)\", expected \(Self.expectation(error.part)) (\(error.reason))"))
            return nil
        }
    }
}
