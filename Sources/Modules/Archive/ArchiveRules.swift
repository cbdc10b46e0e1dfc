internal import Storage
internal import XML
internal import XMPP

/// Decides which messages are archived: rules without a server around them.
enum ArchiveRules {
    enum Direction { case outgoing, incoming }

    /// The rules of XEP-0313 §5.1.1 and the hints of XEP-0334 §4: messages with content for a person are archived. No other
    /// element of the sender keeps a message out of an archive: only the server knows whether it is a redelivery.
    static func isKept(_ message: Element, _ direction: Direction, groupchat: Bool, markers: Bool) -> Bool {
        judge(message, direction, groupchat: groupchat, markers: markers) != .leave
    }

    enum Judgement {
        case leave, keep
        /// The message is archived, and retracts an earlier one.
        case retract
    }

    static func judge(_ message: Element, _ direction: Direction, groupchat: Bool, markers keepsMarkers: Bool) -> Judgement {
        if message.attribute("type", equals: "error") || message.attribute("type", equals: "headline") { return .leave }
        // A room sends each message to all occupants, its sender included.
        if !groupchat || direction == .outgoing, message.attribute("type", equals: "groupchat") { return .leave }
        var (hasContent, retracts) = (false, false)
        for child in message.children {
            if child.is("body", Namespace.client) {
                hasContent = true
            } else if child.isIn(Namespace.hints) {
                if child.isNamed("no-store") || child.isNamed("no-permanent-store") { return .leave }
                if child.isNamed("store") { hasContent = true }
            } else if child.isIn(Namespace.chatMarkers) {
                if keepsMarkers, !child.isNamed("markable") { hasContent = true }
            } else if MessageRetraction.isOne(child) {
                (hasContent, retracts) = (true, true)
            }
        }
        return retracts ? .retract : hasContent ? .keep : .leave
    }

}

/// The archive preferences of a user (XEP-0441).
struct ArchivePreferences: Equatable, Sendable {
    enum Standard: String, Sendable { case always, never, roster }

    var standard: Standard
    let always: [JID]
    let never: [JID]
    private let alwaysSet: Set<JID>
    private let neverSet: Set<JID>

    init(standard: Standard, always: [JID], never: [JID]) {
        self.standard = standard
        self.always = always
        self.never = never
        alwaysSet = Set(always)
        neverSet = Set(never)
    }

    static let usual = ArchivePreferences(standard: .always, always: [], never: [])

    enum Verdict: Equatable {
        case keep, leave
        /// Messages with peers in the roster are archived.
        case ifInRoster
    }

    /// The rules of XEP-0441 §2.2: a listed address with a resource means that resource, one without means all. Of two
    /// contradicting entries the one that keeps less counts.
    func verdict(on peer: JID) -> Verdict {
        func lists(_ list: Set<JID>) -> Bool { list.contains(peer) || list.contains(peer.bare) }
        if lists(neverSet) { return .leave }
        if lists(alwaysSet) { return .keep }
        switch standard {
        case .always: return .keep
        case .never: return .leave
        case .roster: return .ifInRoster
        }
    }
}
