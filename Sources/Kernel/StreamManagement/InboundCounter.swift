internal import Streams

/// The count of a source's handled stanzas (XEP-0198 §4): those that have had their turn, up to the first one with an open
/// condition. Numbers wrap at 2³² as the XEP's do.
struct InboundCounter {
    /// Stanzas that have had their turn.
    private(set) var begun: UInt32 = 0
    /// The stanza begun last was injected: the peer does not count it, so it has no number.
    private var isInjected = false
    /// Stanzas with open conditions, in order, and how many each has. Those behind the first may have none left; they are
    /// removed with it.
    private var open = WaitingLine<(number: UInt32, conditions: Int32)>()

    /// The last stanza of which, as of all before it, no condition is open.
    var done: UInt32 { open.first.map { $0.number &- 1 } ?? begun }

    var isSettled: Bool { open.isEmpty }

    mutating func begin(isInjected: Bool = false) {
        self.isInjected = isInjected
        if !isInjected { begun &+= 1 }
    }

    /// Opens a condition of the stanza begun last.
    /// - Returns: the stanza's number; nil for an injected one.
    mutating func deferAck() -> UInt32? {
        guard !isInjected else { return nil }
        if !open.isEmpty, open[open.count - 1].number == begun {
            open[open.count - 1].conditions += 1
        } else {
            open.append((begun, 1))
        }
        return begun
    }

    /// Closes a condition of a stanza.
    /// - Returns: whether `done` has grown.
    mutating func fulfill(_ number: UInt32) -> Bool {
        guard let at = position(of: number), open[at].conditions > 0 else { return false }
        open[at].conditions -= 1
        guard at == 0, open[at].conditions == 0 else { return false }
        open.removeFirst(open.elements.prefix { $0.conditions == 0 }.count)
        return true
    }

    private func position(of number: UInt32) -> Int? {
        guard let first = open.first?.number else { return nil }
        var (low, high) = (0, open.count)
        while low < high {
            let middle = (low + high) / 2
            if open[middle].number &- first < number &- first { low = middle + 1 } else { high = middle }
        }
        return low < open.count && open[low].number == number ? low : nil
    }
}
