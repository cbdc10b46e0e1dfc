/// What a client sent that the server has not acknowledged (XEP-0198 §4).
struct UnacknowledgedStanzas {
    struct Stanza {
        /// What it is told by; nil for what is not sent again in another session.
        let id: String?
        /// Its bytes, for the number of the session that sends it.
        let text: (Int) -> String
    }

    var stanzas: [Stanza] = []
    private(set) var acknowledged: UInt32 = 0

    /// Takes what the server says it has handled, and gives the ids of what that is; nil if it was never sent.
    mutating func acknowledge(_ count: UInt32) -> [String]? {
        let new = Int(count &- acknowledged)
        guard new <= stanzas.count else { return nil }
        acknowledged = count
        defer { stanzas.removeFirst(new) }
        return stanzas.prefix(new).compactMap(\.id)
    }

    /// Counts from 0 in a new session; gives what is to be sent again in it.
    mutating func beginAnew() -> [Stanza] {
        defer { self = UnacknowledgedStanzas() }
        return stanzas.filter { $0.id != nil }
    }
}
