import SASL
import Streams
import XML
import XMPP

/// A stream of `a.example` to `b.example`, both ends of it: what one writes the other reads, and keys are checked over a stream the
/// other way.
final class TwoServers {
    private enum Step {
        case outgoing(OutgoingServerStream.Action)
        case incoming(IncomingServerStream.Action)
    }

    /// Steps after which they are taken to go round in circles.
    private static let mostSteps = 500
    static let secret = DialbackSecret("secret of a")

    private var outgoing: OutgoingServerStream
    private var incoming: IncomingServerStream
    private let certificates: (ofA: PeerIdentity?, ofB: PeerIdentity?)
    private let tls: (ofA: ServerTLSUse, ofB: ServerTLSUse)
    private let names: (from: String, to: String)
    private var steps: [Step] = []
    private var hasStartedTLS = (outgoing: false, incoming: false)
    private var ids = 0
    private var answers: [DialbackRequest: DialbackAnswer] = [:]
    /// What came of it, a line each.
    private(set) var outcome: [String] = []

    /// - Parameter keySecret: what the sender makes its keys with: that of `a.example`, unless it is not `a.example`.
    init(
        tls: (ofA: ServerTLSUse, ofB: ServerTLSUse), certificates: (ofA: PeerIdentity?, ofB: PeerIdentity?),
        keySecret: DialbackSecret? = TwoServers.secret, purpose: OutgoingServerStream.Purpose = .stanzas,
        from: String = "a.example", to: String = "b.example"
    ) {
        (self.tls, self.certificates, names) = (tls, certificates, (from, to))
        outgoing = OutgoingServerStream(
            options: OutgoingServerOptions(tls: tls.ofA, secret: keySecret), pair: DomainPair(local: from, remote: to),
            purpose: purpose)
        let offer = ServerOffer(tls: tls.ofB, defaultDomain: to, secret: to == "a.example" ? Self.secret : DialbackSecret("of b")) {
            $0.local == to ? .acceptable : .unknownTarget
        }
        incoming = IncomingServerStream(offer: offer)
    }

    /// Lets them talk until both are silent.
    func run(checking request: DialbackRequest? = nil) -> DialbackAnswer? {
        if let request { add(outgoing.handle(.verify(request))) }
        add(outgoing.handle(.connected))
        for _ in 0..<Self.mostSteps where !steps.isEmpty {
            switch steps.removeFirst() {
            case .outgoing(let action): take(action)
            case .incoming(let action): take(action)
            }
        }
        if !steps.isEmpty { outcome.append("endless") }
        return request.flatMap { answers[$0] }
    }

    /// A stanza each way.
    func talk() {
        let (there, back) = (DomainPair(local: names.from, remote: names.to), DomainPair(local: names.to, remote: names.from))
        func stanza(_ pair: DomainPair) -> Element {
            Element("presence", Namespace.client, ["from": pair.local, "to": pair.remote])
        }
        if outgoing.maySend(there) { add(incoming.handle(.element(stanza(there)))) }
        if incoming.maySend(back) { add(outgoing.handle(.element(stanza(back)))) }
        _ = run()
    }

    private func add(_ actions: [OutgoingServerStream.Action]) { steps += actions.map { .outgoing($0) } }

    private func add(_ actions: [IncomingServerStream.Action]) { steps += actions.map { .incoming($0) } }

    private func take(_ action: OutgoingServerStream.Action) {
        switch action {
        case .open(let header):
            ids += 1
            add(incoming.handle(.header(Self.read(header), id: "\(names.to)-\(ids)")))
        case .send(let element): add(incoming.handle(.element(Self.read(element))))
        case .startTLS:
            hasStartedTLS.outgoing = true
            shakeHands()
        case .verified(let request, let answer): answers[request] = answer
        case .established(_, let proof): outcome.append("established by \(proof)")
        case .refused(_, let failure): outcome.append("refused: \(failure.reason)")
        case .deliver: outcome.append("delivered to a")
        case .close: add(incoming.handle(.footer))
        case .drop: add(incoming.handle(.disconnected))
        default: break
        }
    }

    private func take(_ action: IncomingServerStream.Action) {
        switch action {
        case .open(let header): add(outgoing.handle(.header(Self.read(header))))
        case .send(let element): add(outgoing.handle(.element(Self.read(element))))
        case .startTLS:
            hasStartedTLS.incoming = true
            shakeHands()
        case .verify(let request): add(incoming.handle(.verified(request, check(request))))
        case .authorized(_, let proof): outcome.append("authorized by \(proof)")
        case .deliver: outcome.append("delivered to b")
        case .close(let error):
            if let error { add(outgoing.handle(.element(Self.read(error.element)))) }
            add(outgoing.handle(.footer))
        case .drop: add(outgoing.handle(.disconnected))
        default: break
        }
    }

    /// Asks the other end for the authority's word, over a stream the other way.
    private func check(_ request: DialbackRequest) -> DialbackAnswer {
        let back = TwoServers(
            tls: (tls.ofB, tls.ofA), certificates: (certificates.ofB, certificates.ofA), purpose: .verification, from: names.to,
            to: names.from)
        return back.run(checking: request) ?? .error(.undefinedCondition, reason: "no answer")
    }

    private func shakeHands() {
        guard hasStartedTLS == (true, true) else { return }
        hasStartedTLS = (false, false)
        add(incoming.handle(.secured(certificates.ofA)))
        add(outgoing.handle(.secured(certificates.ofB)))
    }

    private static func read(_ header: ServerHeader) -> StreamHeader {
        let text = header.rendered(language: "en").drop { $0 != UInt8(ascii: ">") }.dropFirst()
        do {
            return try Array(text).withUnsafeBytes { try ElementParser().header($0, limits: Limits(bytes: 10_000)) }
        } catch {
            preconditionFailure("\(error) in \(header)")
        }
    }

    private static func read(_ element: Element) -> Element {
        serverXML(String(decoding: ServerMarkup.element(element), as: UTF8.self))
    }
}
