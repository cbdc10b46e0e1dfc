public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import XML
internal import XMPP

/// XEP-0352: stanzas that can wait are not sent to an inactive client, which saves its battery.
///
/// Presence and chat states wait, of each kind only the latest from one sender. Any other stanza goes at once, after the
/// waiting ones, so that the order holds. A flag of the session says that it is inactive: it outlives a reload, which makes
/// a new instance of this module.
public final class ClientState: Module {
    public nonisolated static let name = "mod_csi"
    public nonisolated static let implements = [XEP(352, "Client State Indication", version: "1.0.0")]

    private static let namespace = "urn:xmpp:csi:0"
    private static let waiting = SessionKey<CSIFilter>()

    /// Most stanzas that wait for one client; one more sends them all.
    private let mostHeld: Int

    public init(options: ClientStateOptions) { mostHeld = options.mostHeld ?? .max }

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.afterAuthentication.append { Element("csi", Self.namespace) }
        declarations.onExtension(Self.namespace) { [mostHeld] element, session in
            if element.isNamed("inactive"), mostHeld > 0 {
                session.set(.inactive, true)
                Self.begin(session, mostHeld)
            } else if element.isNamed("active") {
                session.set(.inactive, false)
                Self.end(session)
            }
        }
        for session in Self.inactiveSessions(of: host) where mostHeld > 0 { Self.begin(session, mostHeld) }
        // That the session is inactive migrates with its flags.
        declarations.migrate(Self.name) {
            $0.flags.contains(.inactive) ? [] : nil
        } decode: { [mostHeld] session, _ in
            if mostHeld > 0 { Self.begin(session, mostHeld) }
        }
        // A resumed session is active until its client says otherwise (XEP-0352 §5.1).
        declarations.hooks.sessionResumed.add { session in
            guard session.flags.contains(.inactive) else { return }
            session.set(.inactive, false)
            Self.end(session)
        }
        declarations.onUnload { [unowned host] in
            for session in Self.inactiveSessions(of: host) { Self.end(session) }
        }
    }

    private static func inactiveSessions(of host: Host) -> [Session] {
        host.server.localSessions.filter { $0.host === host && $0.flags.contains(.inactive) }
    }

    private static func begin(_ session: Session, _ mostHeld: Int) {
        guard session[waiting] == nil else { return }
        let filter = CSIFilter(CSIQueue(most: mostHeld), session.host.server)
        session[waiting] = filter
        session.add(filter, at: .urgency)
    }

    private static func end(_ session: Session) {
        guard let filter = session[waiting] else { return }
        session[waiting] = nil
        session.remove(filter)
    }
}

/// `[modules.mod_csi]`.
public struct ClientStateOptions: ModuleOptionSet {
    var mostHeld: Int? = 20

    public static let keys: [ModuleOption<Self>] = [.init("buffer_max", \.mostHeld)]

    public init() {}
}

/// Holds stanzas back while a client is inactive.
@LoopActor
final class CSIFilter: OutputFilter {
    private let queue: CSIQueue
    private unowned let server: Server

    init(_ queue: CSIQueue, _ server: Server) {
        self.queue = queue
        self.server = server
    }

    func filter(_ stanza: RenderedStanza) -> [RenderedStanza] {
        guard let reason = CSIRules.reason(stanza.kind, stanza.bytes, server) else { return queue.takeAll() + [stanza] }
        return queue.hold(stanza, reason)
    }

    func takeAll() -> [RenderedStanza] { queue.takeAll() }
}

/// The stanzas that wait for an inactive client, in order.
@LoopActor
final class CSIQueue {
    private let most: Int
    /// The stanzas; nil in the place of one that a later one has replaced.
    private var held: [RenderedStanza?] = []
    private var places: [CSIRules.Reason: Int] = [:]
    private var size = 0

    /// Most bytes that wait for one client, however many stanzas the operator allows; more of them send all.
    static let mostBytes = 1 << 18

    /// - Parameter most: most stanzas that wait; one more sends them all.
    init(most: Int) { self.most = most }

    /// Keeps a stanza in place of an earlier one of the same reason.
    /// - Returns: the stanzas that are to be sent now.
    func hold(_ stanza: RenderedStanza, _ reason: CSIRules.Reason) -> [RenderedStanza] {
        if let outdated = places[reason] {
            size -= held[outdated]?.bytes.count ?? 0
            held[outdated] = nil
            // At least half are stanzas, so that each is moved at most once for every other that is held.
            if held.count >= 2 * places.count + Self.mostGaps { closeGaps() }
        }
        places[reason] = held.count
        held.append(stanza)
        size += stanza.bytes.count
        return places.count > most || size > Self.mostBytes ? takeAll() : []
    }

    /// Empty places up to which the stanzas are not moved together.
    private static let mostGaps = 16

    private func closeGaps() {
        var moved: [Int] = []
        var kept: [RenderedStanza?] = []
        for stanza in held {
            moved.append(kept.count)
            if stanza != nil { kept.append(stanza) }
        }
        places = places.mapValues { moved[$0] }
        held = kept
    }

    func takeAll() -> [RenderedStanza] {
        guard !held.isEmpty else { return [] }
        let all = held.compactMap { $0 }
        held = []
        places = [:]
        size = 0
        return all
    }
}

/// Decides which stanzas can wait: rules without a server around them.
enum CSIRules {
    /// Most bytes of a stanza that can wait. A larger one goes at once: reading it would cost more than it saves.
    static let longest = 16 << 10

    /// The reason why a stanza waits; a later one with an equal reason replaces it.
    enum Reason: Hashable {
        case presence(of: String)
        /// `direction` is that of a copy of another resource's conversation (XEP-0280).
        case chatState(from: String, to: String, direction: String)
    }

    /// Nil: the stanza is urgent.
    @LoopActor
    static func reason(_ kind: Stanza.Kind, _ bytes: [UInt8], _ server: Server) -> Reason? {
        guard kind != .iq, bytes.count <= longest else { return nil }
        let element = bytes.withUnsafeBytes {
            try? server.parser.element($0, in: .client, limits: Limits(bytes: .max, depth: Limits.deepest, attributes: .max))
        }
        return element.flatMap { reason(kind, $0) }
    }

    /// Nil: the stanza is urgent. All presence can wait but subscription requests, errors and the end of entering a room; of
    /// messages those with a chat state and nothing else.
    static func reason(_ kind: Stanza.Kind, _ element: Element) -> Reason? {
        switch kind {
        case .iq: return nil
        case .presence:
            guard element["type"] == nil || element.attribute("type", equals: "unavailable"), !isOwnInRoom(element) else {
                return nil
            }
            return .presence(of: element["from"] ?? "")
        case .message:
            for direction in ["sent", "received"] {
                guard let copy = element.child(direction, Namespace.carbons) else { continue }
                return copy.child("forwarded", Namespace.forward)?.child("message", Namespace.client)
                    .flatMap { chatState($0, direction) }
            }
            return chatState(element, "")
        }
    }

    private static func chatState(_ message: Element, _ direction: String) -> Reason? {
        guard !message.attribute("type", equals: "error"), message.child(in: Namespace.chatStates) != nil,
            message.children.allSatisfy({
                $0.isIn(Namespace.chatStates) || $0.isNamed("thread") || $0.isIn(Namespace.hints) || $0.isIn(Namespace.mucUser)
            })
        else { return nil }
        return .chatState(from: message["from"] ?? "", to: message["to"] ?? "", direction: direction)
    }

    /// The presence that ends the entering of a room (XEP-0045 §7.2.2).
    private static func isOwnInRoom(_ presence: Element) -> Bool {
        presence.child("x", Namespace.mucUser)?.children.contains { $0.isNamed("status") && $0.attribute("code", equals: "110") }
            == true
    }
}
