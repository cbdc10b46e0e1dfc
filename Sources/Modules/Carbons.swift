public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import XML
internal import XMPP

/// XEP-0280: a user's other resources see both sides of a conversation.
///
/// The shared table has a flag for each session that wants copies, so that any worker can address it.
public final class Carbons: Module {
    public nonisolated static let name = "mod_carboncopy"
    public nonisolated static let implements = [
        XEP(280, "Message Carbons", version: "1.0.1"),
        XEP(297, "Stanza Forwarding", version: "1.0"),
    ]

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(Namespace.carbons, "urn:xmpp:carbons:rules:0")
        for (name, isWanted) in [("enable", true), ("disable", false)] {
            declarations.iq.on(name, Namespace.carbons, at: .account, .server) { (request) throws(StanzaError) in
                try Self.set(isWanted, request)
            }
        }
        declarations.hooks.outgoing.add(.afterRouting) { outgoing in
            Self.copySent(outgoing)
            return .next
        }
        declarations.hooks.incoming.add(.afterRouting) { incoming in
            Self.copyReceived(incoming)
            return .next
        }
        declarations.hooks.incoming.add(.policy, after: ["mod_blocking"]) { Self.isKnown($0) ? .stop : .next }
    }

    /// An undelivered message of a resource that has ended: the user's other resources got their copies when it came.
    private static func isKnown(_ incoming: Incoming) -> Bool {
        guard incoming.isRedelivery, incoming.stanza.kind == .message, CarbonRules.isEligible(incoming.stanza, .received) else {
            return false
        }
        return incoming.host.server.sessions(of: incoming.user).contains { $0.flags.contains(.carbons) }
    }

    private static func set(_ isWanted: Bool, _ request: IQRequest) throws(StanzaError) -> Element? {
        guard request.isSet else { throw StanzaError(.badRequest) }
        guard let session = request.session, session.host === request.host, request.isOwn || request.to.isDomain else {
            throw StanzaError(.notAllowed)
        }
        session.set(.carbons, isWanted)
        return nil
    }

    private static func copySent(_ outgoing: Outgoing) {
        let (session, stanza) = (outgoing.session, outgoing.stanza)
        guard stanza.kind == .message, let to = stanza.to else { return }
        // A message to the sender's own account is copied where it is received: only there its recipients are known.
        if to.local == session.jid.local, to.domain == session.jid.domain { return }
        // Checked before the message is read: most users have one session, or none that wants copies.
        guard session.host.server.directory.hasOther(session.jid, with: .carbons) else { return }
        let others = session.host.server.sessions(of: session.jid.bare).filter {
            $0.flags.contains(.carbons) && $0.resource != session.jid.resource
        }
        guard !others.isEmpty, CarbonRules.isEligible(stanza, .sent) else { return }
        // The user's other resources learn where the message is kept for the user (XEP-0313 §3.4).
        let mark = outgoing.record?.mark(for: session.jid.bare)
        var marked = stanza
        if let mark { marked.append(mark.rendered(within: Namespace.client)) { mark } }
        copy(marked, .sent, of: session.jid.bare, session.host, to: others)
    }

    private static func copyReceived(_ incoming: Incoming) {
        let stanza = incoming.stanza
        guard stanza.kind == .message, !incoming.isRedelivery else { return }
        if let sessions = incoming.sessions, !sessions.contains(where: { $0.flags.contains(.carbons) }) { return }
        guard CarbonRules.isEligible(stanza, .received) else { return }
        let others = (incoming.sessions ?? incoming.host.server.sessions(of: incoming.user)).filter { route in
            route.flags.contains(.carbons) && !incoming.recipients.contains { $0.owner == route.owner }
                && stanza.from != incoming.to.with(resource: route.resource)
        }
        copy(stanza, .received, of: incoming.user, incoming.host, to: others)
    }

    private static func copy(
        _ stanza: Stanza, _ direction: CarbonRules.Direction, of user: JID, _ host: Host, to sessions: [SessionRoute]
    ) {
        guard !sessions.isEmpty else { return }
        let content = CarbonRules.wrapped(stanza.rendered(), direction)
        for session in sessions {
            var copy = Stanza(.message, type: stanza.type, from: user, to: user.with(resource: session.resource))
            copy.append(content)
            host.router.deliver(copy, to: CollectionOfOne(session))
        }
    }
}

/// Decides which messages are copied, and renders the copies: rules without a server around them.
enum CarbonRules {
    /// Namespaces of chat states, receipts and markers (XEP-0085, XEP-0184, XEP-0333).
    private static let payloads = [Namespace.chatStates, "urn:xmpp:receipts", Namespace.chatMarkers]

    enum Direction: String { case sent, received }

    /// The rules of XEP-0280 §6.1; `urn:xmpp:carbons:rules:0` says that they hold exactly.
    static func isEligible(_ message: Stanza, _ direction: Direction) -> Bool {
        let element = message.element
        if message.isType("groupchat") || isExcluded(element) { return false }
        if direction == .received, isFromOccupant(message) { return false }
        if message.isType("chat") { return true }
        // Most errors do not repeat the stanza they answer, so that all of them are copied.
        if message.isType("error") { return direction == .received }
        if message.isType("headline") { return isInstantMessaging(element) }
        return element.has("body") || isInstantMessaging(element)
    }

    /// Whether the sender wants no copies (`<private/>`, `<no-copy/>`), or the message is a copy itself.
    private static func isExcluded(_ element: Element) -> Bool {
        element.has("private", Namespace.carbons) || element.has("no-copy", Namespace.hints)
            || element.has("received", Namespace.carbons) || element.has("sent", Namespace.carbons)
    }

    /// Whether it is a private message of a room: the room sends those to each client that has joined.
    private static func isFromOccupant(_ message: Stanza) -> Bool {
        guard message.from?.isFull == true, let note = message.element.child("x", Namespace.mucUser) else { return false }
        return !note.has("invite")
    }

    private static func isInstantMessaging(_ element: Element) -> Bool {
        if payloads.contains(where: { element.child(in: $0) != nil }) { return true }
        return element.has("x", "jabber:x:conference") || element.child("x", Namespace.mucUser)?.has("invite") == true
    }

    /// The content of a copy (XEP-0280 §7, §8), as XML within `jabber:client`: the message is rendered once for all copies.
    static func wrapped(_ message: [UInt8], _ direction: Direction) -> [UInt8] {
        let name = direction.rawValue
        let start =
            "<\(name) xmlns='\(Namespace.carbons)'><forwarded xmlns='\(Namespace.forward)'><message xmlns='\(Namespace.client)'"
        return Array(start.utf8) + message.dropFirst("<message".utf8.count) + Array("</forwarded></\(name)>".utf8)
    }
}
