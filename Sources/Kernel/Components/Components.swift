public import Network
public import SharedState
internal import Telemetry
internal import XMPP

/// The external components of all workers (XEP-0114): which domains they serve, and those that are connected here.
@LoopActor
public final class Components {
    /// What became of a registration.
    public enum Registration {
        case registered(Component)
        /// Another component, or this server itself, serves one of the domains.
        case conflict(String)
        /// There are as many components as there may be.
        case full
    }

    private unowned let server: Server
    private let table: ComponentTable?
    private var local: [UInt64: Component] = [:]
    /// A copy of the table, as it was at the change of that number.
    private var known: [String: ComponentEntry] = [:]
    private var change: UInt64?

    init(_ server: Server, _ table: ComponentTable?) {
        self.server = server
        self.table = table
    }

    func component(_ connection: UInt64) -> Component? { local[connection] }

    // MARK: Which domains are served

    /// The entry of a domain that a component serves.
    func entry(_ domain: String) -> ComponentEntry? {
        guard let table else { return nil }
        if table.changes != change { read(table) }
        return known.isEmpty ? nil : known[domain].flatMap { server.isLive($0.owner) ? $0 : nil }
    }

    /// All domains that components serve, in order.
    public var entries: [ComponentEntry] {
        guard let table else { return [] }
        if table.changes != change { read(table) }
        return known.values.filter { server.isLive($0.owner) }.sorted { $0.domain < $1.domain }
    }

    private func read(_ table: ComponentTable) {
        change = table.changes
        known = Dictionary(table.entries().map { ($0.domain, $0) }) { first, _ in first }
    }

    // MARK: Components come and go

    /// Registers a component that has shown that it may serve a domain.
    /// - Parameters:
    ///   - isSubdomain: it serves that name below each host.
    ///   - replaces: whether a component that has the domain goes (`conflict_behaviour = "kick_old"`).
    ///   - now: seconds since 1970.
    public func register(
        _ name: String, isSubdomain: Bool, connection: UInt64, terms: Component.Terms, stream: any SessionStream,
        replaces: Bool, now: Int64
    ) -> Registration {
        let domains = isSubdomain ? server.hosts.keys.sorted().map { "\(name).\($0)" } : [name]
        if let hosted = domains.first(where: { server.host($0) != nil }) { return .conflict(hosted) }
        guard let table, !domains.isEmpty else { return .full }
        let owner = SessionOwner(slot: server.slot, incarnation: server.incarnation, connection: connection)
        let entries = domains.map {
            ComponentEntry(domain: $0, owner: owner, isHidden: terms.isHidden, since: now, address: stream.address)
        }
        switch table.claim(entries, replaces: replaces, isLive: { server.isLive($0) }) {
        case .taken(let entry): return .conflict(entry.domain)
        case .full: return .full
        case .claimed(let losers):
            let error = StreamError(.conflict, text: "Another connection serves this domain now")
            for loser in losers { server.close(loser, error) }
            let component = Component(domains, connection: connection, terms: terms, stream: stream, on: server)
            local[connection] = component
            return .registered(component)
        }
    }

    func remove(_ component: Component) {
        local[component.connection] = nil
        table?.release(owner(of: component))
    }

    func setHidden(_ isHidden: Bool, of component: Component) { table?.setHidden(isHidden, of: owner(of: component)) }

    private func owner(of component: Component) -> SessionOwner {
        SessionOwner(slot: server.slot, incarnation: server.incarnation, connection: component.connection)
    }

    /// Gives up what components at dead processes of a slot had.
    public func releaseOrphans(slot: UInt8, before incarnation: UInt32) {
        table?.releaseOrphans(slot: slot, before: incarnation)
    }
}

extension Host {
    /// The components that serve domains below this one, and below no nearer host.
    public var components: [ComponentEntry] {
        server.components.entries.filter { server.nearestHost(above: $0.domain) == domain }
    }
}

extension Components: Destination {
    func receive(_ path: StanzaPath, to: JID) -> PendingStep? {
        guard let stanza = path.stanza, let entry = entry(to.domain) else {
            path.bounce(StanzaError(.remoteServerNotFound))
            return nil
        }
        let holds = server.ackHolds
        if path.ackHold == nil, stanza.kind == .message, let source = path.source, source.acknowledges {
            path.ackHold = AckHold(of: source.deferAck(), holds)
        }
        if path.ackHold != nil, !holds.hasRoom(in: entry.owner.slot) {
            return {
                await holds.waitForRoom(in: entry.owner.slot)
                return { _ in }
            }
        }
        let rendered = RenderedStanza(stanza.kind, stanza.rendered(), path.ackHold, failures: path.failures)
        path.ackHold = nil
        path.end()
        server.counters.stanzasOut += 1
        if entry.owner.slot != server.slot {
            server.forward(rendered, to: [entry.owner.connection], at: entry.owner.slot, for: path.source)
        } else if let component = local[entry.owner.connection] {
            component.deliver(rendered)
        } else {
            path.bounce(StanzaError(.remoteServerNotFound))
        }
        return nil
    }
}
