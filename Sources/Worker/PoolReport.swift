internal import Configuration
internal import IPC
internal import Pools

extension PoolReport {
    /// What the master is told of a pool.
    init(_ health: PoolHealth) {
        let state: State =
            switch health.state {
            case .untried: .untried
            case .up: .up
            case .down: .down
            }
        self.init(
            kind: health.kind, tag: health.tag, host: health.host ?? "", state: state,
            sinceMilliseconds: UInt64(clamping: health.sinceMilliseconds), connections: UInt32(clamping: health.connections),
            waiting: UInt32(clamping: health.waiting), failures: health.failures, reason: health.reason ?? "")
    }
}
