import SASL
import Streams
import XML
import XMPP

/// What a hostile peer and an honest shell may do to an outgoing stream, two bytes an event, and what must hold whatever that is.
struct OutgoingWalk {
    private static let pair = DomainPair(local: "our.example", remote: "a.example")
    private static let certificates: [PeerIdentity?] = [
        PeerIdentity(isTrusted: true, untrustedReason: nil, dnsNames: ["a.example"]), nil,
        PeerIdentity(isTrusted: false, untrustedReason: "expired", dnsNames: ["a.example"]),
    ]
    private static let pairs = ["our.example", "chat.our.example"].flatMap { local in
        ["a.example", "b.example"].map { DomainPair(local: local, remote: $0) }
    }

    private static let headers = [("p1", "1.0"), ("p1", nil), (nil, "1.0")].map { WalkHeader.make([("id", $0), ("version", $1)]) }

    private static let mechanism = Element(
        "mechanisms", Namespace.sasl, [:], [Element("mechanism", Namespace.sasl, text: "EXTERNAL")])
    private static let dialbackFeature = Element(
        "dialback", "urn:xmpp:features:dialback", [:], [Element("errors", "urn:xmpp:features:dialback")])
    private static let features: [Element] = [
        [Element("starttls", Namespace.tls)], [Element("starttls", Namespace.tls, [:], [Element("required", Namespace.tls)])], [],
        [mechanism, dialbackFeature, Element("bidi", "urn:xmpp:features:bidi")], [mechanism],
        [dialbackFeature, Element("sm", "urn:xmpp:sm:3"), Element("bidi", "urn:xmpp:features:bidi")],
    ].map { Element("features", Namespace.stream, [:], $0) }

    private static let message = Element("message", Namespace.client, ["from": "x@a.example", "to": "y@our.example"])
    private static let dialback = "jabber:server:dialback"
    private static let elements: [Element] =
        features + [
            Element("proceed", Namespace.tls), Element("failure", Namespace.tls), Element("success", Namespace.sasl),
            Element("failure", Namespace.sasl), Element("challenge", Namespace.sasl), Element("enabled", "urn:xmpp:sm:3"),
            Element("failed", "urn:xmpp:sm:3"), Element("r", "urn:xmpp:sm:3"), Element("error", Namespace.stream),
            Element("x", "urn:x"),
            message,
            Element("message", Namespace.client, ["from": "x@b.example", "to": "y@our.example"]),
            Element("message", Namespace.client, ["from": "x@a.example", "to": "y@chat.our.example"]),
        ] + answers

    private static let answers: [Element] = pairs.flatMap { pair in
        ["valid", "invalid", "error", nil].flatMap { type in
            [
                Element("result", dialback, ["from": pair.remote, "to": pair.local, "type": type]),
                Element("verify", dialback, ["from": pair.remote, "to": pair.local, "type": type, "id": "v1"]),
            ]
        }
    }

    private var stream: OutgoingServerStream
    private let tls: ServerTLSUse
    private var last: [OutgoingServerStream.Action] = []
    private var isOver = false
    private var certificate: PeerIdentity?
    private var isSecured = false
    private var established: Set<DomainPair> = []
    /// Pairs and checks that were asked for and not answered.
    private var waitingPairs: Set<DomainPair>
    private var waitingChecks: Set<DialbackRequest> = []
    private var consented: Set<DomainPair> = []
    private var hasSucceeded = false
    private var keys: Set<DomainPair> = []
    private var hasBidi = false
    private(set) var fault: String?
    private(set) var delivered = 0

    /// The first byte chooses mode and purpose.
    init(_ input: [UInt8]) {
        let modes: [ServerTLSUse] = [.never, .optional, .required, .requiredTrusted]
        let first = Int(input.first ?? 0)
        tls = modes[first % modes.count]
        let purpose: OutgoingServerStream.Purpose = first & 0x1c == 0x1c ? .verification : .stanzas
        waitingPairs = purpose == .stanzas ? [Self.pair] : []
        stream = OutgoingServerStream(
            options: OutgoingServerOptions(tls: tls, secret: DialbackSecret("secret")), pair: Self.pair, purpose: purpose)
        take(first & 0x20 == 0 ? .connected : .secured(Self.certificates[0]))
        for at in stride(from: 1, to: input.count - 1, by: 2) where fault == nil { take(event(input[at], Int(input[at + 1]))) }
    }

    private func event(_ kind: UInt8, _ choice: Int) -> OutgoingServerStream.Event {
        if stream.isWaiting, kind < 224 { return .secured(Self.certificates[choice % Self.certificates.count]) }
        switch kind {
        case 0..<160:
            return fitting(choice) ?? .element(established.isEmpty ? Self.answers[choice % Self.answers.count] : Self.message)
        case 160..<190: return .element(Self.elements[choice % Self.elements.count])
        case 190..<200: return .header(Self.headers[choice % 8 > 1 ? 0 : 1 + choice % 8])
        case 200..<215: return .add(Self.pairs[choice % Self.pairs.count])
        case 215..<235:
            return .verify(DialbackRequest(pair: Self.pairs[choice % Self.pairs.count], streamID: "v\(choice % 3)", key: "k"))
        case 235: return choice % 2 == 0 ? .handshakeFailed(reason: "none") : .unreachable(ServerFailure("none"))
        case 236: return choice % 2 == 0 ? .connected : .secured(nil)
        case 237: return [.timeout, .footer, .malformed(.notWellFormed), .close(nil), .disconnected][choice % 5]
        default: return .element(Self.answers[choice % Self.answers.count])
        }
    }

    /// What an honest peer does next.
    private func fitting(_ choice: Int) -> OutgoingServerStream.Event? {
        for action in last {
            switch action {
            case .open: return .header(Self.headers[0])
            case .send(let element) where element.is("starttls", Namespace.tls): return .element(Element("proceed", Namespace.tls))
            case .send(let element) where element.isNamed("auth"): return .element(Element("success", Namespace.sasl))
            case .send(let element) where element.isNamed("result"):
                let (from, to) = (element["to"], element["from"])
                return .element(Element("result", Self.dialback, ["from": from, "to": to, "type": "valid"]))
            case .authorized, .deliver: return .element(Self.message)
            case .restartClock where last.count == 1:
                return .element(Self.features[isSecured || tls == .never ? 3 + choice % 3 : 0])
            default: continue
            }
        }
        return nil
    }

    private mutating func take(_ event: OutgoingServerStream.Event) {
        note(event)
        last = stream.handle(event)
        if isOver, !last.isEmpty { return fail("\(last) after the end") }
        for (place, action) in last.enumerated() {
            check(action)
            if Self.isEnd(action) { isOver = true }
            if Self.isEnd(action), place != last.count - 1 { fail("\(last) goes on after the end") }
        }
        if isOver != stream.isClosed { fail("closed without an action: \(last)") }
        if isOver, !waitingPairs.isEmpty || !waitingChecks.isEmpty { fail("\(waitingPairs) \(waitingChecks) without an answer") }
        if !isOver, Set(stream.establishedPairs) != established { fail("established unseen") }
    }

    private mutating func note(_ event: OutgoingServerStream.Event) {
        guard !isOver else { return }
        switch event {
        case .secured(let shown): (certificate, isSecured) = (shown, true)
        case .add(let pair) where !established.contains(pair): waitingPairs.insert(pair)
        case .verify(let request): waitingChecks.insert(request)
        case .element(let element) where element.is("success", Namespace.sasl): hasSucceeded = true
        case .element(let element) where element.isNamed("result") && element["type"] == "valid":
            let pair = DomainPair(local: element["to"] ?? "", remote: element["from"] ?? "")
            if keys.contains(pair) { consented.insert(pair) }
        default: break
        }
    }

    private mutating func check(_ action: OutgoingServerStream.Action) {
        switch action {
        case .send(let element) where element.isNamed("result") && element["type"] == nil:
            keys.insert(DomainPair(local: element["from"] ?? "", remote: element["to"] ?? ""))
            if tls == .required, !isSecured { fail("a key without TLS") }
        case .send(let element) where element.isNamed("bidi"): hasBidi = true
        case .established(let pair, let proof):
            if proof == .external ? !hasSucceeded || pair != Self.pair : !consented.contains(pair) { fail("\(pair) by \(proof)") }
            if tls == .requiredTrusted, !(certificate?.proves(pair.remote) ?? false) { fail("\(pair) without a certificate") }
            if tls == .required, !isSecured { fail("\(pair) without TLS") }
            if waitingPairs.remove(pair) == nil { fail("\(pair) established unasked") }
            established.insert(pair)
        case .refused(let pair, _):
            if waitingPairs.remove(pair) == nil { fail("\(pair) refused unasked") }
        case .verified(let request, _):
            if waitingChecks.remove(request) == nil { fail("\(request) answered unasked") }
        case .authorized(let pair):
            if !hasBidi || !established.contains(pair) { fail("\(pair) authorized") }
        case .deliver(let stanza):
            delivered += 1
            guard hasBidi, let from = stanza.from, let to = stanza.to,
                established.contains(DomainPair(local: to.domain, remote: from.domain))
            else { return fail("delivered \(stanza.element)") }
        default: break
        }
    }

    private static func isEnd(_ action: OutgoingServerStream.Action) -> Bool {
        switch action {
        case .close, .drop: true
        default: false
        }
    }

    private mutating func fail(_ text: String) { fault = fault ?? text }
}
