import SASL
import Streams
import Testing
import XML
import XMPP

/// Random numbers that are the same in each run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Random events", .timeLimit(.minutes(5)))
struct RandomEventTests {
    private static let goodHeader = header()
    private static let elements: [Element] = [
        starttls, auth("PLAIN", "\0romeo\0pencil"), auth("SCRAM-SHA-256", "n,,n=romeo,r=x"), auth("EXTERNAL", "romeo@example.net"),
        auth("ANONYMOUS", "x"), authRaw("PLAIN", ""),
        authRaw("PLAIN", "!"), response("AHJvbWVvAHBlbmNpbA=="), response(""), "<abort xmlns='\(Namespace.sasl)'/>", bind(),
        bind("orchard"), "<iq type='set' id='s'>\(session)</iq>", "<presence/>", "<message><body>x</body></message>",
        "<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>", "<inactive xmlns='urn:xmpp:csi:0'/>",
        zlib,
    ].map(xml)

    private static func event(_ dice: inout Dice, _ offered: StreamOffer) -> Event {
        switch Int.random(in: 0..<41, using: &dice) {
        case 0..<8: .header(goodHeader, offered)
        case 8: .header(header(), nil)
        case 9..<24: .element(elements[Int.random(in: 0..<elements.count, using: &dice)])
        case 24..<26: .secured(bindings, certificate: ClientCertificate(addresses: ["romeo@example.net"]))
        case 26: .anonymous([.named("x"), .rejected][Int.random(in: 0..<2, using: &dice)])
        case 27..<31: .verdict([.accepted, .rejected, .temporarilyUnavailable][Int.random(in: 0..<3, using: &dice)])
        case 31..<34: .credentials(Bool.random(using: &dice) ? .notFound : .temporarilyUnavailable, nonce: nonce)
        case 34..<37: .bound(orchard)
        case 37: .bindRefused(StanzaError(.conflict))
        case 38: [.footer, .timeout, .close(StreamError(.systemShutdown)), .disconnected][Int.random(in: 0..<4, using: &dice)]
        case 39: .registrationAnswered(hasMadeAccount: Bool.random(using: &dice))
        default: .malformed(.notWellFormed)
        }
    }

    /// What an honest client and shell would do next, so that random walks get far.
    private static func fitting(_ actions: [Action], _ dice: inout Dice, _ offered: StreamOffer) -> Event? {
        for action in actions {
            switch action {
            case .startTLS: return .secured(bindings, certificate: ClientCertificate(addresses: ["romeo@example.net"]))
            case .admit: return .verdict(.accepted)
            case .admitAnonymous: return .anonymous(.named("romeo"))
            case .restart: return .header(goodHeader, offered)
            case .verifyPassword: return .verdict(Int.random(in: 0..<4, using: &dice) > 0 ? .accepted : .rejected)
            case .fetchCredentials: return .credentials(.notFound, nonce: nonce)
            case .bind: return .bound(orchard)
            case .register: return .registrationAnswered(hasMadeAccount: Bool.random(using: &dice))
            case .send(let element) where element.is("features", Namespace.stream):
                if element.has("compression", Namespace.compressionFeature), Bool.random(using: &dice) {
                    return .element(xml(zlib))
                }
                if element.has("bind", Namespace.bind) { return .element(xml(bind())) }
                return .element(xml(element.has("starttls", Namespace.tls) ? starttls : auth("PLAIN", "\0romeo\0pencil")))
            default: continue
            }
        }
        return nil
    }

    private static func isEnd(_ action: Action) -> Bool {
        switch action {
        case .close, .drop: true
        default: false
        }
    }

    /// One walk: what went wrong, if anything, and whether a session came of it.
    private static func walk(_ mode: StreamOptions.TLSMode, _ dice: inout Dice) -> (fault: String?, hasSession: Bool) {
        var conversation = Conversation(mode, registers: true) { $0.inflationLimit = 10_000 }
        var last = mode == .direct ? conversation.handle(.secured(bindings)) : []
        last += conversation.open()
        var hasSession = false
        var isOver = false
        for _ in 0..<30 {
            let isHelpful = Int.random(in: 0..<12, using: &dice) > 0
            let next = isHelpful ? fitting(last, &dice, conversation.offered) : nil
            last = conversation.handle(next ?? event(&dice, conversation.offered))
            if isOver, !last.isEmpty { return ("\(last) after the end", hasSession) }
            let end = last.firstIndex(where: isEnd)
            if let end, end != last.count - 1 { return ("\(last) goes on after the end", hasSession) }
            isOver = isOver || end != nil
            if isOver != conversation.stream.isClosed { return ("closed without an action: \(last)", hasSession) }
            hasSession = hasSession || conversation.stream.address != nil
        }
        return (nil, hasSession)
    }

    @Test(
        "No order of events traps, and each stream ends once and last",
        arguments: [StreamOptions.TLSMode.none, .optional, .required, .direct])
    func walks(mode: StreamOptions.TLSMode) {
        var dice = Dice(state: 42)
        var sessions = 0
        for _ in 0..<200 {
            let (fault, hasSession) = Self.walk(mode, &dice)
            #expect(fault == nil)
            if hasSession { sessions += 1 }
        }
        #expect(sessions > 50)
    }
}
