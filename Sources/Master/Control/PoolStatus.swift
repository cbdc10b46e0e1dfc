internal import IPC

/// The state of a pool of connections to another service, over all workers, for `status`.
struct PoolStatus {
    private var reports: [PoolReport]

    /// One for each pool that a worker uses, in the order of their names.
    static func all(_ loads: [LoadReport]) -> [PoolStatus] {
        let byName = Dictionary(grouping: loads.flatMap(\.pools)) { [$0.kind, $0.tag, $0.host] }
        let names = byName.keys.sorted { $0.lexicographicallyPrecedes($1) }
        return names.compactMap { byName[$0].map(PoolStatus.init) }
    }

    private init(reports: [PoolReport]) { self.reports = reports }

    /// Down or up only where all workers that have used the pool agree, with the longest of their times; otherwise degraded.
    var value: Value {
        guard let first = reports.first else { return nil }
        let down = reports.filter { $0.state == .down }, up = reports.filter { $0.state == .up }
        let state = down.isEmpty ? (up.isEmpty ? "untried" : "up") : (up.isEmpty ? "down" : "degraded")
        let decisive = down.isEmpty ? (up.isEmpty ? reports : up) : down
        let since = decisive.map(\.sinceMilliseconds).max() ?? 0
        return [
            "type": .string(first.kind), "tag": .string(first.tag), "host": first.host.isEmpty ? nil : .string(first.host),
            "state": .string(state), "since_s": .int(Int64(clamping: since / 1000)),
            "connections": .int(reports.reduce(0) { $0 + Int64($1.connections) }),
            "waiting": .int(reports.reduce(0) { $0 + Int64($1.waiting) }),
            "failures": .int(reports.reduce(0) { $0 &+ Int64(clamping: $1.failures) }),
            "reason": down.first.map { .string($0.reason) } ?? nil,
        ]
    }
}
