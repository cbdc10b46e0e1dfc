internal import Kernel
internal import Network
internal import SharedState
internal import XMPP

/// The shared session table as the kernel's directory.
@LoopActor
final class SharedSessionDirectory: SessionDirectory {
    private let table: SessionTable
    private let memory: RouteCache
    /// How far the search for the orphans of each slot has come.
    private var orphans: [UInt8: SessionCursor] = [:]

    init(_ table: SessionTable) {
        self.table = table
        memory = RouteCache(table)
    }

    func sessions(of user: JID) -> [SessionRecord] { table.sessions(of: user.bareText) }

    func routes(of user: JID) -> [SessionRoute] { memory.routes(local: user.local, domain: user.domain) }

    func route(_ full: JID) -> SessionRoute? {
        memory.route(local: full.local, domain: full.domain, resource: full.resource)
    }

    func hasOther(_ full: JID, with flags: SessionFlags) -> Bool {
        memory.hasOther(local: full.local, domain: full.domain, resource: full.resource, flags: flags)
    }

    func insert(_ record: SessionRecord) throws -> SessionRecord? {
        switch try table.insert(record) {
        case .inserted: nil
        case .conflict(let old): old
        }
    }

    func replace(_ record: SessionRecord) throws { try table.replace(record) }

    func update(_ full: JID, owner: SessionOwner, priority: Int8, flags: SessionFlags) {
        table.update(full.bareText, resource: full.resource, owner: owner, priority: priority, flags: flags)
    }

    func remove(_ full: JID, owner: SessionOwner) { table.remove(full.bareText, resource: full.resource, owner: owner) }

    func count(host: String) -> Int { table.count(host: host) }

    func list(host: String?, limit: Int) -> [SessionRecord] {
        var cursor = SessionCursor()
        var records: [SessionRecord] = []
        while !cursor.isAtEnd, records.count < limit {
            records += table.page(host: host, from: &cursor, limit: limit - records.count)
        }
        return records
    }

    func takeOrphans(slot: UInt8, before incarnation: UInt32, limit: Int) -> [SessionRecord]? {
        let cursor = orphans[slot] ?? SessionCursor()
        if cursor.isAtEnd {
            orphans[slot] = nil
            return nil
        }
        return table.takeOrphans(slot: slot, before: incarnation, from: &orphans[slot, default: cursor], limit: limit)
    }
}
