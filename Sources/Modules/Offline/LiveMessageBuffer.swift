internal import Kernel
internal import Network
internal import SharedState
internal import XMPP

/// Holds back the messages that arrive for a session while older ones are fetched, so that they come in order.
///
/// It takes the place of the session's filter, which is free unless the client has said that nobody looks.
@LoopActor
final class LiveMessageBuffer {
    private static let key = SessionKey<LiveMessageBuffer>()
    /// Bytes that are held back at most; with more, order is given up.
    private static let mostBytes = 1 << 20

    private var held: [RenderedStanza] = []
    private var size = 0
    private var isOpen = false
    /// How many are fetching older messages.
    private var holds = 1

    static func holdBack(from session: Session) {
        if let live = session[key] {
            live.holds += 1
            return
        }
        guard !session.flags.contains(.inactive), session.outputFilter == nil else { return }
        let live = LiveMessageBuffer()
        session[key] = live
        session.outputFilter = { live.filter($0) }
    }

    private func filter(_ stanza: RenderedStanza) -> [RenderedStanza] {
        guard stanza.kind == .message, !isOpen else { return [stanza] }
        held.append(stanza)
        size += stanza.bytes.count
        if size <= Self.mostBytes { return [] }
        isOpen = true
        return take()
    }

    private func take() -> [RenderedStanza] {
        defer { held = [] }
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

    /// One of those who hold back has what it wanted.
    static func release(to session: Session) {
        guard let live = session[key] else { return }
        live.holds -= 1
        if live.holds == 0 { releaseAll(to: session) }
    }

    /// The session ends. What a client that counts was to get is left over with the rest, anything else is as if it came now.
    static func giveBack(from session: Session) {
        guard session.streamManagement == nil, let live = session[key] else { return releaseAll(to: session) }
        session[key] = nil
        let (held, server) = (live.take(), session.host.server)
        Loop.endOfTurn { for message in held { server.redeliver(message) } }
    }

    /// From here on messages are sent as they come. A client that has said meanwhile that nobody looks has another filter.
    static func releaseAll(to session: Session) {
        guard let live = session[key] else { return }
        session[key] = nil
        live.isOpen = true
        if !session.flags.contains(.inactive) { session.outputFilter = nil }
        for message in live.take() { session.deliver(message) }
    }
}
