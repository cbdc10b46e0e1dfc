internal import Streams

/// How far a session's stanzas have been handled (XEP-0198 §4): those that were begun, less those of which something
/// that was promised is not done yet. Numbers wrap at 2³² as the XEP's do.
struct InboundCounter {
    /// Stanzas that were begun.
    private(set) var begun: UInt32 = 0
    /// What was begun last is not the client's: it has no number.
    private var isInjected = false
    /// Stanzas with open conditions, in order, and how many each has. Those behind the first may have none left; they are
    /// removed with it.
    private var open = WaitingLine<(number: UInt32, conditions: Int32)>()

    /// The stanzas up to this one are done with.
    var done: UInt32 { open.first.map { $0.number &- 1 } ?? begun }

    var isSettled: Bool { open.isEmpty }

    mutating func begin(isInjected: Bool = false) {
        self.isInjected = isInjected
        if !isInjected { begun &+= 1 }
    }

    /// Something remains to be done for the stanza begun last; answers its number, if it has one.
    mutating func deferAck() -> UInt32? {
        guard !isInjected else { return nil }
        if !open.isEmpty, open[open.count - 1].number == begun {
            open[open.count - 1].conditions += 1
        } else {
            open.append((begun, 1))
        }
        return begun
    }

    /// It is done. True if `done` may have grown.
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
