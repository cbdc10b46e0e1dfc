internal import Network
internal import XML

/// The stanza that the loop took up last: a turn that lasts too long is reported with it.
public struct CurrentStanza {
    /// The turn that took it up, as `NetworkCounters.turns` counts them.
    let turn: UInt64
    let connection: UInt64
    let element: Element

    /// The longest text in characters that a report has of what a client chose; the rest is cut off.
    private static let longestName = 120

    @LoopActor
    init(_ element: Element, of connection: UInt64) {
        turn = NetworkCounters.current.turns
        self.connection = connection
        self.element = element
    }

    /// What it asks for: `iq set {jabber:iq:roster}query`.
    var summary: String {
        let payload = element.firstChild.map { " {\(Self.short($0.namespace))}\(Self.short($0.name))" } ?? ""
        return "\(element.name)\(element["type"].map { " \(Self.short($0))" } ?? "")\(payload)"
    }

    private static func short(_ text: String) -> String { String(text.unicodeScalars.prefix(longestName)) }
}

extension Server {
    /// What the present turn, or the one that has just ended, took up last; nil if it took up no stanza.
    public var currentStanzaSummary: (session: String?, summary: String)? {
        guard let stanza = currentStanza, stanza.turn + 1 >= NetworkCounters.current.turns else { return nil }
        return (session(stanza.connection).map { "\($0.jid)" }, stanza.summary)
    }

    /// Lets the memory of a stanza go that was handled long ago.
    public func forgetCurrentStanza() { currentStanza = nil }
}
