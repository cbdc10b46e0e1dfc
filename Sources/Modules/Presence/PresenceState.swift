internal import IPC
internal import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// The data by which a session sends its presence without reading storage: its last presence, its subscribers, and the
/// addressees of directed presence.
@LoopActor
final class PresenceState {
    static let key = SessionKey<PresenceState>()
    /// Topics of the events of presence; the payload is the address that gets it.
    static let sendTopic = "presence.send"
    static let probeTopic = "presence.probe"

    /// The last available presence of the session, without an addressee.
    var last: Stanza
    /// Bare addresses that see the user's presence (`from` and `both`), ordered.
    private(set) var subscribers: [String] = []
    /// Addresses that got directed presence and no unavailable since (RFC 6121 §4.6).
    var directed: Set<JID> = []
    /// Whether the roster has been read.
    private(set) var isLoaded = false
    /// Changes of the roster during the read.
    private var early: [(contact: String, isSeen: Bool)] = []

    /// Most addressees of directed presence of one session; presence to one more is refused.
    static let mostDirected = 1024

    init(last: Stanza) { self.last = last }

    func load(_ items: [RosterItem]) {
        subscribers = items.filter(\.isSeen).map(\.contact)
        isLoaded = true
        for (contact, isSeen) in early { set(contact, isSeen) }
        early = []
    }

    // MARK: On the way to another worker

    private func packed() -> [UInt8] {
        var writer = ByteWriter()
        writer.bool(isLoaded)
        writer.data(last.rendered())
        writer.count(subscribers.count)
        for contact in subscribers { writer.string(contact) }
        writer.count(directed.count)
        for target in directed { writer.string(target.description) }
        return writer.bytes
    }

    private convenience init?(unpacking bytes: [UInt8], of session: Session) {
        do {
            var reader = ByteReader(bytes)
            let isLoaded = try reader.bool()
            let presence = try Array(try reader.data()).withUnsafeBytes {
                try session.host.server.parser.element($0, in: .client, limits: Limits(bytes: .max))
            }
            self.init(last: Stanza(.presence, from: session.jid, to: nil, element: presence))
            self.isLoaded = isLoaded
            for _ in 0..<(try reader.count(ofSize: 4)) { subscribers.append(try reader.string()) }
            for _ in 0..<(try reader.count(ofSize: 4)) { directed.insert(.prepared(try reader.string())) }
        } catch {
            Log.error("what another worker knew of a session's presence is lost", [Field("error", "\(error)")])
            return nil
        }
    }

    func isSubscriber(_ contact: String) -> Bool { place(contact).found }

    private func place(_ contact: String) -> (index: Int, found: Bool) {
        var (low, high) = (0, subscribers.count)
        while low < high {
            let middle = (low + high) / 2
            if subscribers[middle] < contact { low = middle + 1 } else { high = middle }
        }
        return (low, low < subscribers.count && subscribers[low] == contact)
    }

    private func set(_ contact: String, _ isSeen: Bool) {
        guard isLoaded else { return early.append((contact, isSeen)) }
        let (index, found) = place(contact)
        if isSeen, !found { subscribers.insert(contact, at: index) }
        if !isSeen, found { subscribers.remove(at: index) }
    }

    /// Stops sending presence to a contact.
    /// - Returns: false if it got none before.
    func hide(from contact: String) -> Bool {
        let wasTold = isLoaded && isSubscriber(contact)
        set(contact, false)
        return wasTold
    }

    /// Takes a subscriber or its end from a roster push.
    static func rosterChanged(_ query: [UInt8], _ sessions: [Session], _ host: Host) {
        guard sessions.contains(where: { $0[key] != nil }),
            let item =
                (try? query.withUnsafeBytes {
                    try host.server.parser.element($0, in: .client, limits: Limits(bytes: .max))
                })?.firstChild,
            let contact = item["jid"]
        else { return }
        let subscription = item["subscription"]
        for session in sessions { session[key]?.set(contact, subscription == "from" || subscription == "both") }
    }

    /// Sends the presence of all of a user's resources to `target`, as after an approval (RFC 6121 §3.1.5).
    static func sendPresence(of user: JID, to target: JID, _ host: Host) {
        host.notify(user, sendTopic, Array(target.description.utf8))
    }

    /// Sends the presence of all of a user's resources to `prober`, if that may see it.
    static func sendPresence(of user: JID, toProber prober: JID, _ host: Host) {
        host.notify(user, probeTopic, Array(prober.description.utf8))
    }

    /// Adds the handlers of the events above.
    static func install(_ declarations: inout Declarations, on host: Host) {
        declarations.migrate("presence", encode: { $0[key]?.packed() }) { session, bytes in
            session[key] = PresenceState(unpacking: bytes, of: session)
        }
        declarations.onEvent(sendTopic) { _, target, sessions in
            let target = JID.prepared(String(decoding: target, as: UTF8.self))
            for session in sessions where session.jid != target { sendLast(of: session, to: target) }
        }
        declarations.onEvent(probeTopic) { user, prober, sessions in
            let prober = JID.prepared(String(decoding: prober, as: UTF8.self))
            for session in sessions {
                guard let state = session[key], prober.bare == user || state.isSubscriber(prober.bareText) else { continue }
                sendLast(of: session, to: prober)
            }
        }
    }

    private static func sendLast(of session: Session, to target: JID) {
        guard session.isAvailable, let state = session[key] else { return }
        var stanza = state.last
        stanza.from = session.jid
        stanza.to = target
        session.host.router.route(stanza)
    }
}
