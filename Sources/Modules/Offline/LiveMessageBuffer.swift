internal import Kernel
internal import Network
internal import SharedState
internal import XMPP

/// Holds back the messages that arrive for a session while older ones are fetched, so that they come in order.
@LoopActor
final class LiveMessageBuffer: OutputFilter {
    private static let key = SessionKey<LiveMessageBuffer>()
    /// Most bytes that are held back; with more, all are sent and the order is given up.
    private static let mostBytes = 1 << 20

    private var held: [RenderedStanza] = []
    private var size = 0
    private var isOpen = false
    /// Fetches of older messages that are under way.
    private var holds = 1

    static func holdBack(from session: Session) {
        if let live = session[key] {
            live.holds += 1
            return
        }
        let live = LiveMessageBuffer()
        session[key] = live
        session.add(live, at: .order)
    }

    func filter(_ stanza: RenderedStanza) -> [RenderedStanza] {
        guard stanza.kind == .message, !isOpen else { return [stanza] }
        held.append(stanza)
        size += stanza.bytes.count
        if size <= Self.mostBytes { return [] }
        isOpen = true
        return takeAll()
    }

    func takeAll() -> [RenderedStanza] {
        defer { (held, size) = ([], 0) }
        return held
    }

    /// Sends older messages, before those that are held back.
    static func pass(_ messages: [[UInt8]], to session: Session) {
        let live = session[key]
        let wasOpen = live?.isOpen ?? true
        live?.isOpen = true
        for message in messages { session.deliver(.message, message) }
        live?.isOpen = wasOpen
    }

    /// One of the fetches has ended; after the last, live messages are sent.
    static func release(to session: Session) {
        guard let live = session[key] else { return }
        live.holds -= 1
        if live.holds == 0 { releaseAll(to: session) }
    }

    /// The session ends. With XEP-0198 the buffered messages join its undelivered ones; without, they are routed as if they came
    /// now.
    static func giveBack(from session: Session) {
        guard session.streamManagement == nil, let live = session[key] else { return releaseAll(to: session) }
        session[key] = nil
        let (held, server) = (live.takeAll(), session.host.server)
        Loop.endOfTurn { for message in held { server.redeliver(message) } }
    }

    /// From here on messages are sent as they come.
    static func releaseAll(to session: Session) {
        guard let live = session[key] else { return }
        session[key] = nil
        session.remove(live)
    }
}
