internal import Kernel
internal import Network
internal import XMPP

/// Presence on its way to many, as much in each turn of the loop as it has time for: a roster may have thousands of contacts.
@LoopActor
enum PresenceFanOut {
    /// Sends what is left, in later turns.
    typealias Rest = @LoopActor () async -> Void

    /// Sends a stanza to each of these, in order, as far as this turn has time.
    /// - Parameters:
    ///   - isWanted: asked in later turns, since much may happen before them: whether it is still to go to this one.
    ///   - route: sends it to one.
    /// - Returns: nil if all have been sent it.
    static func send(
        _ stanza: Stanza, to targets: [JID], while isWanted: @escaping @LoopActor (JID) -> Bool = { _ in true },
        by route: @escaping @LoopActor (Stanza) -> Void
    ) -> Rest? {
        let sent = send(stanza, to: targets[...], while: { _ in true }, by: route)
        guard sent < targets.count else { return nil }
        return {
            var sent = sent
            while sent < targets.count {
                await Loop.nextTurn()
                sent += send(stanza, to: targets[sent...], while: isWanted, by: route)
            }
        }
    }

    /// - Returns: of how many the turn has disposed, at least one.
    private static func send(
        _ stanza: Stanza, to targets: ArraySlice<JID>, while isWanted: (JID) -> Bool, by route: (Stanza) -> Void
    ) -> Int {
        var copy = stanza
        for (place, target) in targets.enumerated() {
            if isWanted(target) {
                copy.to = target
                route(copy)
            }
            if TurnClock.isOver { return place + 1 }
        }
        return targets.count
    }

    /// Does something for each session, in later turns what this one has no time for.
    static func each(_ sessions: [Session], of host: Host, _ body: @escaping @LoopActor (Session) -> Void) {
        for (place, session) in sessions.enumerated() {
            body(session)
            guard TurnClock.isOver, place + 1 < sessions.count else { continue }
            return host.server.background {
                for session in sessions[(place + 1)...] {
                    await Loop.nextTurn()
                    if !session.hasEnded { body(session) }
                }
            }
        }
    }
}
