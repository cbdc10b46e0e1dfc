internal import Configuration
internal import Kernel
internal import Network
internal import Resolver
internal import SASL
internal import SharedState
internal import Streams
internal import XML
internal import XMPP

/// Everything of a worker that has to do with other servers: the links that it owns, the keys that it has checked, the streams
/// that are open, and what the configuration says of them.
@LoopActor
final class Federation {
    /// Seconds for which a silent stream is kept by the side that did not open it, as peers are told (XEP-0478).
    private static let incomingIdleSeconds = 3600

    unowned let server: Server
    let resolver: DNSResolver
    let checks: DialbackChecks
    private(set) var links: ServerLinks!
    /// The dialback secret where the configuration has none: the same on all workers.
    private let ownSecret: String
    private var tls: FederationTLS
    private var outgoing: [ObjectIdentifier: OutgoingServerDriver] = [:]
    /// The addresses of our own listeners for other servers.
    var listening: @LoopActor () -> [ListeningAddress] = { [] }

    init(_ server: Server, _ tls: FederationTLS, ownSecret: String) {
        self.server = server
        self.tls = tls
        self.ownSecret = ownSecret
        resolver = DNSResolver(ResolverOptions())
        checks = DialbackChecks()
        links = ServerLinks(self)
        checks.federation = self
        server.ownership.add(links, of: ServerLinks.kind)
        apply(tls)
    }

    /// Puts the server's new configuration in force.
    func apply(_ tls: FederationTLS) {
        self.tls = tls
        let common = server.configuration.host("").federation
        resolver.options = ResolverOptions(
            timeout: common.lookupTimeout, tries: common.lookupTries,
            servers: server.configuration.native.nameServers.compactMap { NameServerAddress($0) })
        server.remoteLinks = server.configuration.federates ? links : nil
        links.followPolicy()
    }

    /// Closes all streams that this worker has opened, in order: peers are not told of an error.
    func close() {
        links.closeAll(nil)
        checks.closeAll()
    }

    // MARK: What the configuration says

    func configuration(of pair: DomainPair) -> FederationConfiguration { configuration(of: pair.local) }

    private func configuration(of local: String) -> FederationConfiguration {
        server.configuration.host(server.hostAbove(local)).federation
    }

    private func secret(_ configuration: FederationConfiguration) -> DialbackSecret? {
        DialbackSecret(configuration.shared?.reveal() ?? ownSecret)
    }

    private func use(_ configuration: FederationConfiguration) -> ServerTLSUse {
        switch configuration.encryption {
        case .none: .never
        case .optional: .optional
        case .required: .required
        case .requiredTrusted: .requiredTrusted
        }
    }

    func outgoingOptions(for pair: DomainPair, usesExternal: Bool) -> OutgoingServerOptions {
        let configuration = configuration(of: pair)
        return OutgoingServerOptions(
            tls: use(configuration), secret: secret(configuration),
            usesExternal: usesExternal && tls.hasCertificate(of: pair.local),
            limits: StreamLimits(maxBytes: limits(ofOutgoing: configuration).bytes),
            language: server.configuration.general.language)
    }

    func outgoingContext(for local: String) -> TLSContext? { tls.outgoing(for: local) }

    func plan(for pair: DomainPair) -> ServerDial.Plan? {
        guard let domain = JID.asciiDomain(pair.remote) else { return nil }
        let configuration = configuration(of: pair)
        let port = UInt16(clamping: configuration.port)
        var plan = ServerDial.Plan(
            domain, configured: Self.configured(configuration, pair.remote, port), defaultPort: port,
            families: configuration.ipVersions.map { $0 == .four ? .ipv4 : .ipv6 }, requester: pair.remote,
            listening: listening())
        if let timeout = configuration.connectionTimeout { plan.limits.attempt = timeout }
        plan.limits.whole = max(plan.limits.whole, plan.limits.attempt)
        return plan
    }

    private static func configured(_ configuration: FederationConfiguration, _ remote: String, _ port: UInt16) -> ServerTargets? {
        guard let entry = configuration.addresses.first(where: { $0.host == remote }), let address = InternetAddress(entry.address)
        else { return nil }
        return ServerTargets(
            configured: address, port: entry.port.map { UInt16(clamping: $0) } ?? port, isDirectTLS: entry.isDirectTLS)
    }

    func limits(ofOutgoing configuration: FederationConfiguration) -> Limits {
        Limits(
            bytes: configuration.maxStanzaSize ?? server.configuration.native.maxStanzaSize, elements: Limits.mostElements)
    }

    /// Bytes per second that a remote domain may send; nil: as many as it likes.
    func rate(_ rule: String, of pair: DomainPair) -> Int? {
        let subject = AccessSubject(local: nil, domain: pair.remote)
        return server.configuration.shaper(rule: rule, for: subject, on: server.hostAbove(pair.local))?.maxRate
    }

    /// What other servers are offered at a listener.
    func offer(_ options: ServerListenerConfiguration, hasCertificate: Bool) -> ServerOffer {
        let common = server.configuration.host("").federation
        let limits = StreamLimits(
            maxBytes: options.maxStanzaSize ?? server.configuration.native.maxStanzaSize,
            idleSeconds: Self.incomingIdleSeconds)
        var tls = use(common)
        if tls == .optional, options.tls?.mode == .starttlsRequired { tls = .required }
        // Where encryption is required it stays so: without a certificate there is no stream then, rather than one in clear.
        if tls == .optional, !hasCertificate { tls = .never }
        return ServerOffer(
            tls: tls, defaultDomain: server.configuration.general.defaultServerDomain,
            secret: secret(common), hasBidi: false, limits: limits, language: server.configuration.general.language
        ) { [unowned self] pair in
            LoopActor.assumeIsolated { self.standing(pair) }
        }
    }

    static var incomingIdleMilliseconds: Int64 { Int64(incomingIdleSeconds) * 1000 }

    private func standing(_ pair: DomainPair) -> PairStanding {
        if !pair.local.isEmpty, !server.serves(pair.local) { return .unknownTarget }
        guard !pair.remote.isEmpty else { return .acceptable }
        if server.serves(pair.remote) { return .ownDomain }
        return configuration(of: pair).allows(pair.remote) ? .acceptable : .refused
    }

    // MARK: Streams

    /// A driver lives as long as its stream is open.
    func streamOpened(_ driver: OutgoingServerDriver) { outgoing[ObjectIdentifier(driver)] = driver }
    func streamClosed(_ driver: OutgoingServerDriver) { outgoing[ObjectIdentifier(driver)] = nil }
}
