/// How far a session's stanzas have been handled (XEP-0198 §4): those that were begun, less those of which something
/// that was promised is not done yet. Numbers wrap at 2³² as the XEP's do.
struct HandledStanzas {
    /// Stanzas that were begun.
    private(set) var begun: UInt32 = 0
    /// Stanzas with open promises, in order, and how many each has. The first `start` are done with and are taken out
    /// together, now and then; of those behind an open one some may be done with, too.
    private var open: [(number: UInt32, promises: Int32)] = []
    private var start = 0

    /// The stanzas up to this one are done with.
    var done: UInt32 { start < open.count ? open[start].number &- 1 : begun }

    var isSettled: Bool { start == open.count }

    mutating func begin() { begun &+= 1 }

    /// Something remains to be done for the stanza begun last; answers its number.
    mutating func promise() -> UInt32 {
        if let last = open.indices.last, last >= start, open[last].number == begun {
            open[last].promises += 1
        } else {
            open.append((begun, 1))
        }
        return begun
    }

    /// It is done. True if `done` may have grown.
    mutating func keep(_ number: UInt32) -> Bool {
        guard let at = position(of: number), open[at].promises > 0 else { return false }
        open[at].promises -= 1
        guard at == start, open[at].promises == 0 else { return false }
        while start < open.count, open[start].promises == 0 { start += 1 }
        if start == open.count {
            open.removeAll(keepingCapacity: start <= 16)
            start = 0
        } else if start > 64, start > open.count / 2 {
            open.removeFirst(start)
            start = 0
        }
        return true
    }

    private func position(of number: UInt32) -> Int? {
        guard start < open.count else { return nil }
        let first = open[start].number
        var (low, high) = (start, open.count)
        while low < high {
            let middle = (low + high) / 2
            if open[middle].number &- first < number &- first { low = middle + 1 } else { high = middle }
        }
        return low < open.count && open[low].number == number ? low : nil
    }
}
