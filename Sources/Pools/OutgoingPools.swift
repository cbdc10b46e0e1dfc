public import Configuration
public import Network

/// The pools of a worker, each made when it is first asked for and kept for as long as its configuration stays the same.
@LoopActor
public final class OutgoingPools {
    private struct Key: Hashable {
        let kind: OutgoingPoolConfiguration.Kind
        let tag: String
        /// Nil for a pool that all hosts share.
        let host: String?
    }

    fileprivate enum Pool {
        case database(ServicePool<DatabaseConnection>)
        case directory(ServicePool<DirectoryConnection>)
        case web(ServicePool<WebConnection>)
    }

    private struct Entry {
        let configuration: OutgoingPoolConfiguration
        let pool: Pool
    }

    private var configured: [OutgoingPoolConfiguration]
    private var entries: [Key: Entry] = [:]
    private let slot: Int
    private var processes: Int

    /// - Parameters:
    ///   - slot: of this worker, from 0.
    ///   - processes: how many workers there are, which share the connections of each pool.
    public init(_ configured: [OutgoingPoolConfiguration], slot: Int, processes: Int) {
        self.configured = configured
        self.slot = slot
        self.processes = max(1, processes)
    }

    /// Puts other settings in force. Pools that they do not change notice nothing.
    /// - Parameter processes: how many workers there are from now on. A pool of which this one has another share then is
    ///   made anew.
    /// - Returns: whether anything is different from before.
    @discardableResult
    public func apply(_ configured: [OutgoingPoolConfiguration], hosts: [String], processes: Int) -> Bool {
        let former = self.processes
        self.processes = max(1, processes)
        func isOtherShare(_ pool: OutgoingPoolConfiguration) -> Bool {
            share(of: pool, among: former) != share(of: pool, among: self.processes)
        }
        let isOther = configured != self.configured || configured.contains(where: isOtherShare)
        self.configured = configured
        for (key, entry) in entries {
            let isKept =
                configured.contains(entry.configuration) && !isOtherShare(entry.configuration)
                && key.host.map(hosts.contains) ?? true
            if isKept { continue }
            entry.pool.stop()
            entries[key] = nil
        }
        return isOther
    }

    // MARK: Asked for

    /// The pool `outgoing_pools.rdbms.TAG` of a host; nil: it has none.
    public func database(_ tag: String, for host: String) -> ServicePool<DatabaseConnection>? {
        guard case .database(let pool)? = pool(.rdbms, tag, host) else { return nil }
        return pool
    }

    /// The pool `outgoing_pools.ldap.TAG` of a host; nil: it has none.
    public func directory(_ tag: String, for host: String) -> ServicePool<DirectoryConnection>? {
        guard case .directory(let pool)? = pool(.ldap, tag, host) else { return nil }
        return pool
    }

    /// The pool `outgoing_pools.http.TAG` of a host; nil: it has none.
    public func web(_ tag: String, for host: String) -> ServicePool<WebConnection>? {
        guard case .web(let pool)? = pool(.http, tag, host) else { return nil }
        return pool
    }

    private func pool(_ kind: OutgoingPoolConfiguration.Kind, _ tag: String, _ host: String) -> Pool? {
        guard let configuration = configured.first(where: { $0.kind == kind && $0.tag == tag && $0.serves(host) })
        else { return nil }
        let key = Key(kind: kind, tag: tag, host: configuration.scope == .global ? nil : host)
        if let entry = entries[key] { return entry.pool }
        let pool = make(configuration)
        entries[key] = Entry(configuration: configuration, pool: pool)
        return pool
    }

    private func make(_ configuration: OutgoingPoolConfiguration) -> Pool {
        switch configuration.connection {
        case .rdbms(let options):
            let files = options.tls.flatMap(TLSFiles.init)
            // Half a second to begin with, which is shorter than the shortest longest pause.
            let patience = PoolPolicy.Patience(first: 500, longest: options.maxStartInterval.milliseconds)
            let keepAlive = options.keepaliveInterval?.milliseconds
            return .database(
                ServicePool(settings(configuration, patience, keepAlive: keepAlive)) { deadline in
                    DatabaseConnection.open(options, files, deadline)
                })
        case .ldap(let options):
            let files = options.tls.flatMap(TLSFiles.init)
            let interval = options.connectInterval.milliseconds
            return .directory(
                ServicePool(settings(configuration, .init(first: interval, longest: interval))) { deadline in
                    DirectoryConnection.open(options, files, deadline)
                })
        case .http(let options):
            return .web(
                ServicePool(settings(configuration, .init(first: 500, longest: 5000))) { deadline in
                    WebConnection.open(options, deadline)
                })
        }
    }

    private func settings(
        _ configuration: OutgoingPoolConfiguration, _ patience: PoolPolicy.Patience, keepAlive: Int64? = nil
    ) -> PoolSettings {
        PoolSettings(
            name: "\(configuration.kind.rawValue).\(configuration.tag)",
            connections: share(of: configuration, among: processes),
            callMilliseconds: configuration.callTimeout.milliseconds, patience: patience, keepAlive: keepAlive)
    }

    private func share(of pool: OutgoingPoolConfiguration, among processes: Int) -> Int {
        Self.share(of: pool.workers, slot: slot, processes: processes)
    }

    /// What one worker has of so many connections: the first get what is left over, and each has at least one.
    nonisolated static func share(of connections: Int, slot: Int, processes: Int) -> Int {
        max(1, connections / processes + (slot < connections % processes ? 1 : 0))
    }

    // MARK: Health

    /// The pools that have been asked for, in the order of their names.
    public var health: [PoolHealth] {
        let keys = entries.keys.sorted { ($0.kind.rawValue, $0.tag, $0.host ?? "") < ($1.kind.rawValue, $1.tag, $1.host ?? "") }
        return keys.compactMap { key in
            switch entries[key]?.pool {
            case .database(let pool): pool.health(kind: key.kind.rawValue, tag: key.tag, host: key.host)
            case .directory(let pool): pool.health(kind: key.kind.rawValue, tag: key.tag, host: key.host)
            case .web(let pool): pool.health(kind: key.kind.rawValue, tag: key.tag, host: key.host)
            case nil: nil
            }
        }
    }
}

extension OutgoingPools.Pool {
    @LoopActor
    fileprivate func stop() {
        switch self {
        case .database(let pool): pool.stop()
        case .directory(let pool): pool.stop()
        case .web(let pool): pool.stop()
        }
    }
}

/// The libraries that pools need, which are loaded when they are first used.
public enum OutgoingLibraries {
    /// Why pools of this kind cannot work on this machine; nil: they can.
    public static func problem(_ kind: OutgoingPoolConfiguration.Kind) -> String? {
        switch kind {
        case .rdbms: DatabaseConnection.isAvailable ? nil : DatabaseConnection.missing
        case .ldap: DirectoryConnection.isAvailable ? nil : DirectoryConnection.missing
        case .http: WebConnection.isAvailable ? nil : WebConnection.missing
        }
    }
}
