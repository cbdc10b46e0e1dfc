import SASL
import Streams
import XML
import XMPP

/// What a hostile peer and an honest shell may do to an incoming stream, two bytes an event, and what must hold whatever that is.
struct IncomingWalk {
    private static let secret = DialbackSecret("secret")
    private static let certificates: [PeerIdentity?] = [
        nil, PeerIdentity(isTrusted: true, untrustedReason: nil, dnsNames: ["a.example", "*.a.example"]),
        PeerIdentity(isTrusted: false, untrustedReason: "expired", dnsNames: ["a.example"]),
    ]
    private static let headers: [StreamHeader] = [
        ("a.example", "our.example", "1.0"), ("b.example", "our.example", "1.0"), ("a.example", "our.example", nil),
        ("a.example", "other.example", "1.0"), ("our.example", "our.example", "1.0"), (nil, "our.example", "1.0"),
        ("a.example", "chat.our.example", "1.0"), ("bad.example", "our.example", "1.0"),
    ].map { header($0, $1, $2) }

    private static func header(_ from: String?, _ to: String, _ version: String?) -> StreamHeader {
        WalkHeader.make([("from", from), ("to", to), ("version", version)])
    }

    private static let dialback = "jabber:server:dialback"
    private static let elements: [Element] =
        [
            Element("starttls", "urn:ietf:params:xml:ns:xmpp-tls"), Element("bidi", "urn:xmpp:bidi"),
            Element("auth", Namespace.sasl, ["mechanism": "EXTERNAL"], text: "="),
            Element("auth", Namespace.sasl, ["mechanism": "EXTERNAL"]), Element("response", Namespace.sasl, text: "="),
            Element("auth", Namespace.sasl, ["mechanism": "EXTERNAL"], text: "Yi5leGFtcGxl"), Element("abort", Namespace.sasl),
            Element("enable", "urn:xmpp:sm:3"), Element("r", "urn:xmpp:sm:3"), Element("a", "urn:xmpp:sm:3", ["h": "1"]),
            Element("error", Namespace.stream), Element("x", "urn:x"),
        ] + stanzas + requests

    private static let stanzas: [Element] =
        [
            ("x@a.example", "y@our.example"), ("x@b.example", "y@our.example"), ("x@sub.a.example", "our.example"),
            ("x@a.example", "y@chat.our.example"), ("x@our.example", "y@our.example"),
        ].map { Element("message", Namespace.client, ["from": $0, "to": $1]) } + [Element("presence", Namespace.client)]

    private static let requests: [Element] = ["a.example", "b.example", "sub.a.example", "our.example", "bad.example"].flatMap {
        from in
        ["our.example", "chat.our.example", "other.example"].flatMap { to in
            [
                Element("result", dialback, ["from": from, "to": to], text: "key"),
                Element("result", dialback, ["from": from, "to": to, "type": "valid"]),
                Element("verify", dialback, ["from": from, "to": to, "id": "x"], text: "key"),
            ]
        }
    }

    private var stream: IncomingServerStream
    private var last: [IncomingServerStream.Action] = []
    private var ids = 0
    private var isOver = false
    private var certificate: PeerIdentity?
    private var asked: [DialbackRequest] = []
    /// Pairs of which something that counts has been seen since the last header.
    private var proved: Set<DomainPair> = []
    private var named: DomainPair?
    private var authorized: Set<DomainPair> = []
    private var hasBidi = false
    private(set) var fault: String?
    private(set) var delivered = 0

    /// The first byte chooses the mode.
    init(_ input: [UInt8]) {
        let modes: [ServerTLSUse] = [.never, .optional, .required, .requiredTrusted]
        let offer = ServerOffer(
            tls: modes[Int(input.first ?? 0) % modes.count], defaultDomain: "our.example", secret: Self.secret,
            standing: { pair in
                let ours = ["our.example", "chat.our.example"]
                if !ours.contains(pair.local) { return .unknownTarget }
                return ours.contains(pair.remote) ? .ownDomain : pair.remote == "bad.example" ? .refused : .acceptable
            })
        stream = IncomingServerStream(offer: offer)
        for at in stride(from: 1, to: input.count - 1, by: 2) where fault == nil { take(event(input[at], Int(input[at + 1]))) }
    }

    /// Mostly what an honest peer and shell would do next, so that walks get far.
    private mutating func event(_ kind: UInt8, _ choice: Int) -> IncomingServerStream.Event {
        if stream.isWaiting, kind < 224 { return .secured(Self.certificates[choice % Self.certificates.count]) }
        switch kind {
        case 0..<160: return fitting(choice) ?? .element(Self.stanzas[choice % 16 == 0 ? choice / 16 % 6 : 0])
        case 160..<220: return .element(Self.elements[choice % Self.elements.count])
        case 220..<226: return header(Self.headers[choice % Self.headers.count])
        case 226..<232: return asked.first.map { .verified($0, choice % 2 == 0 ? .invalid : .valid) } ?? .timeout
        case 232..<236: return .verified(DialbackRequest(pair: Self.pair("b.example"), streamID: "i1", key: "key"), .valid)
        case 236: return .secured(Self.certificates[choice % Self.certificates.count])
        case 237: return [.timeout, .footer, .malformed(.notWellFormed), .close(nil), .disconnected][choice % 5]
        default: return .element(Self.requests[choice % Self.requests.count])
        }
    }

    private mutating func fitting(_ choice: Int) -> IncomingServerStream.Event? {
        if last.contains(.restart) || ids == 0 { return header(Self.headers[choice % 8 == 7 ? choice % 3 : 0]) }
        if let request = asked.last {
            return .verified(request, choice % 4 > 0 ? .valid : .error(.remoteServerTimeout, reason: "slow"))
        }
        for case .send(let element) in last where element.is("features", Namespace.stream) {
            if element.has("starttls", Namespace.tls), choice % 8 > 0 { return .element(Self.elements[0]) }
            if element.has("bidi", "urn:xmpp:features:bidi"), choice % 2 > 0 { return .element(Self.elements[1]) }
            if element.has("mechanisms", Namespace.sasl), choice % 8 > 1 { return .element(Self.elements[2]) }
        }
        return authorized.isEmpty ? .element(Self.requests[choice % 6]) : nil
    }

    private mutating func header(_ header: StreamHeader) -> IncomingServerStream.Event {
        ids += 1
        return .header(header, id: "i\(ids)")
    }

    private static func pair(_ remote: String) -> DomainPair { DomainPair(local: "our.example", remote: remote) }

    private mutating func take(_ event: IncomingServerStream.Event) {
        note(event)
        last = stream.handle(event)
        if isOver, !last.isEmpty { return fail("\(last) after the end") }
        for (place, action) in last.enumerated() {
            check(action)
            if Self.isEnd(action) { isOver = true }
            if Self.isEnd(action), place != last.count - 1 { fail("\(last) goes on after the end") }
        }
        if isOver != stream.isClosed { fail("closed without an action: \(last)") }
        if asked.count > 16 { fail("\(asked.count) checks at the same time") }
        if !isOver, Set(stream.authorizedPairs) != authorized { fail("authorized unseen") }
    }

    /// What an event proves.
    private mutating func note(_ event: IncomingServerStream.Event) {
        switch event {
        case .secured(let shown): (certificate, proved, hasBidi) = (shown, [], false)
        case .header(let header, _):
            named = header["from"].flatMap { from in header["to"].map { DomainPair(local: $0, remote: from) } }
        case .verified(let request, .valid) where asked.contains(request): proved.insert(request.pair)
        case .element(let element) where element.isNamed("bidi"): hasBidi = true
        default: break
        }
        if case .verified(let request, _) = event { asked.removeAll { $0 == request } }
    }

    private mutating func check(_ action: IncomingServerStream.Action) {
        switch action {
        case .verify(let request): asked.append(request)
        case .authorized(let pair, let proof):
            let isProved = proof == .dialback ? proved.contains(pair) : certificate?.proves(pair.remote) ?? false
            if !isProved || proof == .external && pair != named { fail("\(pair) by \(proof)") }
            if !["our.example", "chat.our.example"].contains(pair.local) || pair.remote.hasSuffix("our.example") {
                fail("\(pair)")
            }
            authorized.insert(pair)
        case .deliver(let stanza):
            delivered += 1
            guard let from = stanza.from, let to = stanza.to, authorized.contains(DomainPair(local: to.domain, remote: from.domain))
            else {
                return fail("delivered \(stanza.element)")
            }
        case .maySend(let pair):
            if !hasBidi || !authorized.contains(pair) { fail("may send to \(pair)") }
        default: break
        }
    }

    private static func isEnd(_ action: IncomingServerStream.Action) -> Bool {
        switch action {
        case .close, .drop: true
        default: false
        }
    }

    private mutating func fail(_ text: String) { fault = fault ?? text }
}

/// Headers with the namespaces that servers declare.
enum WalkHeader {
    static func make(_ attributes: [(String, String?)]) -> StreamHeader {
        var text = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
        for (name, value) in attributes {
            if let value { text += " \(name)='\(value)'" }
        }
        do {
            return try Array((text + ">").utf8).withUnsafeBytes { try ElementParser().header($0, limits: Limits(bytes: 10_000)) }
        } catch {
            preconditionFailure("\(error) in \(text)")
        }
    }
}
