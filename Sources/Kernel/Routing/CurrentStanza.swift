internal import Network
internal import XML

/// The stanza that had its turn last: a turn of the loop that lasts too long is reported with it.
public struct CurrentStanza {
    /// The turn of the loop, as `NetworkCounters.turns` counts them.
    let turn: UInt64
    let connection: UInt64
    let element: Element

    /// Characters of a client's text that a report has; the rest is cut off.
    private static let longestName = 120

    @LoopActor
    init(_ element: Element, of connection: UInt64) {
        turn = NetworkCounters.current.turns
        self.connection = connection
        self.element = element
    }

    /// Its kind, type and payload: `iq set {jabber:iq:roster}query`.
    var summary: String {
        let payload = element.firstChild.map { " {\(Self.short($0.namespace))}\(Self.short($0.name))" } ?? ""
        return "\(element.name)\(element["type"].map { " \(Self.short($0))" } ?? "")\(payload)"
    }

    private static func short(_ text: String) -> String { String(text.unicodeScalars.prefix(longestName)) }
}

extension Server {
    /// The stanza handled last in the present turn, or in the one that has just ended; nil if none was.
    public var currentStanzaSummary: (session: String?, summary: String)? {
        guard let stanza = currentStanza, stanza.turn + 1 >= NetworkCounters.current.turns else { return nil }
        return (session(stanza.connection).map { "\($0.jid)" }, stanza.summary)
    }

    /// Frees the memory of a stanza that was handled long ago.
    public func forgetCurrentStanza() { currentStanza = nil }
}
