import SASL
import Streams
import XML
import XMPP

/// XML as another server writes it into a stream with the usual header, as it is read: the stanzas as those of clients.
func serverXML(_ text: String) -> Element {
    do {
        let namespaces = serverHeader(content: "jabber:client").namespaces
        return try Array(text.utf8).withUnsafeBytes {
            try ElementParser().element($0, in: namespaces, limits: Limits(bytes: 100_000))
        }
    } catch {
        preconditionFailure("\(error) in \(text)")
    }
}

/// A header as another server writes it; what is nil is left out.
func serverHeader(
    from: String? = "peer.example", to: String? = "example.net", version: String? = "1.0", id: String? = nil,
    content: String = "jabber:server", name: String = "stream", streams: String = "http://etherx.jabber.org/streams",
    language: String? = nil
) -> StreamHeader {
    var text = "<stream:\(name) xmlns='\(content)' xmlns:stream='\(streams)' xmlns:db='jabber:server:dialback'"
    for (key, value) in [("from", from), ("to", to), ("version", version), ("id", id), ("xml:lang", language)] {
        if let value { text += " \(key)='\(value)'" }
    }
    do {
        return try Array((text + ">").utf8).withUnsafeBytes { try ElementParser().header($0, limits: Limits(bytes: 10_000)) }
    } catch {
        preconditionFailure("\(error) in \(text)")
    }
}

/// The domains of the tests: two are ours, one is unwanted, all others are welcome.
enum Domains {
    static let secret = DialbackSecret("s3cr3tf0rd14lb4ck")

    static func standing(_ pair: DomainPair) -> PairStanding {
        let ours: Set<String> = ["example.net", "chat.example.net"]
        if !ours.contains(pair.local) { return .unknownTarget }
        if ours.contains(pair.remote) { return .ownDomain }
        return pair.remote == "unwanted.example" ? .refused : .acceptable
    }

    static func certificate(_ names: String..., trusted: Bool = true) -> PeerIdentity {
        PeerIdentity(isTrusted: trusted, untrustedReason: trusted ? nil : "self-signed", dnsNames: names)
    }

    /// The key that our side makes for `pair.remote`'s stream.
    static func key(_ receiving: String, _ id: String, originating: String = "example.net") -> String {
        secret?.key(receiving: receiving, originating: originating, streamID: id) ?? ""
    }
}

let peerPair = DomainPair(local: "example.net", remote: "peer.example")

func offer(
    _ tls: ServerTLSUse, dialback: Bool = true, bidi: Bool = true, management: Bool = true, limits: StreamLimits = StreamLimits()
)
    -> ServerOffer
{
    ServerOffer(
        tls: tls, defaultDomain: "default.example", secret: dialback ? Domains.secret : nil, hasBidi: bidi,
        hasManagement: management,
        limits: limits, standing: Domains.standing)
}

/// A stream that a peer has opened, and what comes of each event, an action a line.
struct IncomingConversation {
    var stream: IncomingServerStream
    private var ids = 0

    init(_ offer: ServerOffer) { stream = IncomingServerStream(offer: offer) }

    init(_ tls: ServerTLSUse) { self.init(offer(tls)) }

    mutating func handle(_ event: IncomingServerStream.Event) -> [String] { stream.handle(event).map(Self.line) }

    /// The ids are s1, s2 and so on.
    mutating func open(_ header: StreamHeader = serverHeader()) -> [String] {
        ids += 1
        return handle(.header(header, id: "s\(ids)"))
    }

    mutating func say(_ text: String) -> [String] { handle(.element(serverXML(text))) }

    /// Past STARTTLS and the features after it.
    static func secured(_ offer: ServerOffer, _ certificate: PeerIdentity?, from: String? = "peer.example") -> Self {
        var conversation = Self(offer)
        _ = conversation.open(serverHeader(from: from))
        _ = conversation.say(ServerWords.startTLS)
        _ = conversation.handle(.secured(certificate))
        _ = conversation.open(serverHeader(from: from))
        return conversation
    }

    /// Past SASL EXTERNAL and the features after it.
    static func authenticated(
        _ offer: ServerOffer = offer(.required), _ certificate: PeerIdentity = Domains.certificate("peer.example"),
        bidi: Bool = false
    ) -> Self {
        var conversation = secured(offer, certificate)
        if bidi { _ = conversation.say(ServerWords.bidi) }
        _ = conversation.say(ServerWords.external("="))
        _ = conversation.open()
        return conversation
    }

    static func line(_ action: IncomingServerStream.Action) -> String {
        switch action {
        case .open(let header): ServerWords.line(header)
        case .send(let element): String(decoding: ServerMarkup.element(element), as: UTF8.self)
        case .startTLS(let domain): "TLS as \(domain)"
        case .restart: "restart"
        case .verify(let request): "verify \(request.pair.remote)>\(request.pair.local) \(request.streamID) \(request.key)"
        case .authorized(let pair, let proof): "authorized \(pair.remote)>\(pair.local) \(proof)"
        case .refused(let pair, let reason): "refused \(pair.remote)>\(pair.local): \(reason)"
        case .maySend(let pair): "may send \(pair.local)>\(pair.remote)"
        case .limits(let limits): "limits \(limits.maxBytes ?? 0) \(limits.idleSeconds ?? 0)"
        case .deliver(let stanza): ServerWords.line(stanza)
        case .managementEnabled: "management enabled"
        case .acknowledge(let count): "acknowledge \(count)"
        case .acknowledged(let count): "acknowledged \(count)"
        case .restartClock: "clock"
        case .stopClock: "no clock"
        case .close(let error): ServerWords.line(error)
        case .drop: "drop"
        }
    }
}

/// A stream that we open to a peer, and what comes of each event, an action a line.
struct OutgoingConversation {
    var stream: OutgoingServerStream

    init(
        _ tls: ServerTLSUse, dialback: Bool = true, external: Bool = true, bidi: Bool = true, management: Bool = true,
        purpose: OutgoingServerStream.Purpose = .stanzas, limits: StreamLimits = StreamLimits()
    ) {
        let options = OutgoingServerOptions(
            tls: tls, secret: dialback ? Domains.secret : nil, usesExternal: external, usesBidi: bidi, usesManagement: management,
            limits: limits)
        stream = OutgoingServerStream(options: options, pair: peerPair, purpose: purpose)
    }

    mutating func handle(_ event: OutgoingServerStream.Event) -> [String] { stream.handle(event).map(Self.line) }

    mutating func say(_ text: String) -> [String] { handle(.element(serverXML(text))) }

    /// The peer's header, which goes the other way.
    mutating func open(_ id: String? = "p1", version: String? = "1.0") -> [String] {
        handle(.header(serverHeader(from: "peer.example", to: "example.net", version: version, id: id)))
    }

    /// The peer's header and its features.
    mutating func offered(_ features: String, id: String = "p1") -> [String] { open(id) + say(ServerWords.features(features)) }

    /// Without TLS, up to the key that was sent.
    static func asking(_ features: String = ServerWords.dialback, purpose: OutgoingServerStream.Purpose = .stanzas) -> Self {
        var conversation = Self(.optional, purpose: purpose)
        _ = conversation.handle(.connected)
        _ = conversation.offered(features)
        return conversation
    }

    /// Past the peer's consent.
    static func established(_ features: String = ServerWords.dialback) -> Self {
        var conversation = asking(features)
        _ = conversation.say("<db:result from='peer.example' to='example.net' type='valid'/>")
        return conversation
    }

    /// With TLS, up to the peer's features.
    static func secured(
        _ tls: ServerTLSUse = .required, _ certificate: PeerIdentity? = Domains.certificate("peer.example"), dialback: Bool = true,
        bidi: Bool = true
    ) -> Self {
        var conversation = Self(tls, dialback: dialback, bidi: bidi)
        _ = conversation.handle(.connected)
        _ = conversation.offered(ServerWords.startTLS, id: "p0")
        _ = conversation.say(ServerWords.proceed)
        _ = conversation.handle(.secured(certificate))
        return conversation
    }

    static func line(_ action: OutgoingServerStream.Action) -> String {
        switch action {
        case .open(let header): ServerWords.line(header)
        case .send(let element): String(decoding: ServerMarkup.element(element), as: UTF8.self)
        case .startTLS: "TLS"
        case .restart: "restart"
        case .untrusted(let reason): "untrusted: \(reason)"
        case .established(let pair, let proof): "established \(pair.local)>\(pair.remote) \(proof)"
        case .refused(let pair, let failure): "refused \(pair.local)>\(pair.remote): \(ServerWords.line(failure))"
        case .verified(let request, let answer): "verified \(request.streamID): \(ServerWords.line(answer))"
        case .limits(let limits): "limits \(limits.maxBytes ?? 0) \(limits.idleSeconds ?? 0)"
        case .authorized(let pair): "authorized \(pair.remote)>\(pair.local)"
        case .deliver(let stanza): ServerWords.line(stanza)
        case .managementRequested: "management requested"
        case .managementEnabled: "management enabled"
        case .managementRefused: "management refused"
        case .acknowledge(let count): "acknowledge \(count)"
        case .acknowledged(let count): "acknowledged \(count)"
        case .restartClock: "clock"
        case .stopClock: "no clock"
        case .failed(let failure): "failed: \(ServerWords.line(failure))"
        case .close(let error): ServerWords.line(error)
        case .drop: "drop"
        }
    }
}

/// What both sides say, and how actions are told.
enum ServerWords {
    static let startTLS = "<starttls xmlns='\(Namespace.tls)'/>"
    static let requiredTLS = "<starttls xmlns='\(Namespace.tls)'><required/></starttls>"
    static let proceed = "<proceed xmlns='\(Namespace.tls)'/>"
    static let dialback = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
    static let mechanisms = "<mechanisms xmlns='\(Namespace.sasl)'><mechanism>EXTERNAL</mechanism></mechanisms>"
    static let bidiFeature = "<bidi xmlns='urn:xmpp:features:bidi'/>"
    static let bidi = "<bidi xmlns='urn:xmpp:bidi'/>"
    static let management = "<sm xmlns='urn:xmpp:sm:3'/>"
    static let enable = "<enable xmlns='urn:xmpp:sm:3'/>"
    static let success = "<success xmlns='\(Namespace.sasl)'/>"

    static func features(_ inner: String) -> String { "<stream:features>\(inner)</stream:features>" }

    static func external(_ text: String) -> String { "<auth xmlns='\(Namespace.sasl)' mechanism='EXTERNAL'>\(text)</auth>" }

    static func saslFailure(_ condition: String) -> String { "<failure xmlns='\(Namespace.sasl)'><\(condition)/></failure>" }

    static func streamError(_ inner: String) -> String { "<stream:error>\(inner)</stream:error>" }

    static func condition(_ name: String, _ text: String = "") -> String {
        "<\(name) xmlns='\(Namespace.streams)'>\(text)</\(name)>"
    }

    static func result(_ from: String, _ to: String, _ key: String = "abc") -> String {
        "<db:result from='\(from)' to='\(to)'>\(key)</db:result>"
    }

    static func verify(_ from: String, _ to: String, _ id: String, _ key: String) -> String {
        "<db:verify from='\(from)' to='\(to)' id='\(id)'>\(key)</db:verify>"
    }

    static func answer(_ name: String, _ from: String, _ to: String, _ type: String, id: String? = nil) -> String {
        "<db:\(name) from='\(from)' to='\(to)'\(id.map { " id='\($0)'" } ?? "") type='\(type)'></db:\(name)>"
    }

    static func error(_ name: String, _ from: String, _ to: String, _ type: String, _ condition: String, id: String? = nil)
        -> String
    {
        "<db:\(name) from='\(from)' to='\(to)'\(id.map { " id='\($0)'" } ?? "") type='error'><error type='\(type)'>"
            + "<\(condition) xmlns='\(Namespace.stanzas)'/></error></db:\(name)>"
    }

    static func line(_ header: ServerHeader) -> String {
        var words = ["header", header.from, header.to ?? "-", header.id ?? "-"]
        if header.hasVersion { words.append("1.0") }
        if header.hasDialback { words.append("db") }
        return words.joined(separator: " ")
    }

    static func line(_ stanza: Stanza) -> String {
        "deliver \(stanza.kind.name) \(stanza.from?.description ?? "-") \(stanza.to?.description ?? "-")"
    }

    static func line(_ error: StreamError?) -> String {
        guard let error else { return "close" }
        return "close \(error.condition.rawValue)" + (error.text.map { ": \($0)" } ?? "")
    }

    static func line(_ failure: ServerFailure) -> String {
        "\(failure.reason) [\(failure.condition.rawValue)]" + (failure.isWorthDialback ? " worth dialback" : "")
    }

    static func line(_ answer: DialbackAnswer) -> String {
        switch answer {
        case .valid: "valid"
        case .invalid: "invalid"
        case .error(let condition, let reason): "\(condition.rawValue) (\(reason))"
        }
    }
}
