/// How far a session's stanzas have been handled (XEP-0198 §4): those that were begun, less those of which something
/// that was promised is not done yet. Numbers wrap at 2³² as the XEP's do.
struct HandledStanzas {
    /// Stanzas that were begun.
    private(set) var begun: UInt32 = 0
    /// Stanzas with open promises, in order, and how many each has.
    private var open: [(number: UInt32, promises: Int32)] = []

    /// The stanzas up to this one are done with.
    var done: UInt32 { open.first.map { $0.number &- 1 } ?? begun }

    var isSettled: Bool { open.isEmpty }

    mutating func begin() { begun &+= 1 }

    /// Something remains to be done for the stanza begun last; answers its number.
    mutating func promise() -> UInt32 {
        if let last = open.indices.last, open[last].number == begun {
            open[last].promises += 1
        } else {
            open.append((begun, 1))
        }
        return begun
    }

    /// It is done. True if `done` may have grown.
    mutating func keep(_ number: UInt32) -> Bool {
        guard let at = open.firstIndex(where: { $0.number == number }) else { return false }
        open[at].promises -= 1
        guard open[at].promises == 0 else { return false }
        open.remove(at: at)
        return at == 0
    }
}
