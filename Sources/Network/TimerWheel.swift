/// Coarse deadlines for many holders: arming and cancelling cost a few nanoseconds, whatever their number.
///
/// Pure: it owns no clock. Times are milliseconds of any steady clock. A timer is due at the first tick boundary at or
/// after its deadline, hence never early and at most one `resolution` late (plus the lateness of the caller of `advance`).
final class TimerWheel {
    static let resolution: Int64 = 50
    private static let slotCount: Int64 = 1024

    /// One armed deadline. Dropping the reference does not cancel it.
    final class Entry {
        fileprivate var action: (() -> Void)?
        fileprivate var dueTick: Int64
        fileprivate var index = 0
        /// It is among those that are due, which are fired in turn.
        fileprivate var isDue = false
        fileprivate init(dueTick: Int64, action: @escaping () -> Void) {
            self.dueTick = dueTick
            self.action = action
        }
        fileprivate var slot: Int { Int(dueTick & (TimerWheel.slotCount - 1)) }
        /// When it is due, rounded up to a tick boundary.
        var deadline: Int64 { dueTick * TimerWheel.resolution }
        /// Whether the action is still to come.
        var isArmed: Bool { action != nil }
    }

    private var slots = ContiguousArray<ContiguousArray<Entry>>(repeating: [], count: Int(slotCount))
    /// The last tick whose timers have been fired.
    private var tick: Int64
    private(set) var count = 0
    /// What is due, in order; fired as far as `nextDue`.
    private var due: [Entry] = []
    private var nextDue = 0
    /// Places that the list of what is due keeps.
    private static let keptDue = 1024

    /// Whether something is due that the last call had no time for.
    var hasDue: Bool { nextDue < due.count }

    init(now: Int64) { tick = now / Self.resolution }

    func arm(at deadline: Int64, _ action: @escaping () -> Void) -> Entry {
        let due = (deadline + Self.resolution - 1) / Self.resolution
        let entry = Entry(dueTick: max(due, tick + 1), action: action)
        entry.index = slots[entry.slot].count
        slots[entry.slot].append(entry)
        count += 1
        return entry
    }

    func cancel(_ entry: Entry) {
        guard entry.action != nil else { return }
        entry.action = nil
        remove(entry)
    }

    /// Fires what is due at `now`, at least one, until `isOver` says to leave the others to a later call. An action may arm and cancel
    /// timers; what it arms fires in a later call.
    func advance(to now: Int64, until isOver: () -> Bool = { false }) {
        let target = now / Self.resolution
        if target > tick { collect(upTo: target) }
        while hasDue {
            let entry = due[nextDue]
            nextDue += 1
            guard let action = entry.action else { continue }  // cancelled by an earlier one
            entry.action = nil
            remove(entry)
            action()
            if isOver() { break }
        }
        guard !hasDue else { return }
        due.removeAll(keepingCapacity: due.capacity <= Self.keptDue)
        nextDue = 0
    }

    private func collect(upTo target: Int64) {
        let first = max(tick + 1, target - Self.slotCount + 1)
        tick = target
        guard count > 0 else { return }
        var found: [Entry] = []
        for at in first...target {
            for entry in slots[Int(at & (Self.slotCount - 1))] where entry.dueTick <= target && !entry.isDue {
                entry.isDue = true
                found.append(entry)
            }
        }
        found.sort { $0.dueTick < $1.dueTick }
        due += found
    }

    /// When `advance` has something to do next, in the clock's milliseconds; nil if nothing is armed.
    /// Never later than one turn of the wheel from now.
    var nextDeadline: Int64? {
        guard count > 0 else { return nil }
        if hasDue { return tick * Self.resolution }
        for at in (tick + 1)...(tick + Self.slotCount) where !slots[Int(at & (Self.slotCount - 1))].isEmpty {
            return at * Self.resolution
        }
        return nil
    }

    private func remove(_ entry: Entry) {
        let slot = entry.slot
        let last = slots[slot].removeLast()
        if last !== entry {
            slots[slot][entry.index] = last
            last.index = entry.index
        }
        count -= 1
        if slots[slot].isEmpty, slots[slot].capacity > 16 { slots[slot] = [] }
    }
}
