import CPlatform
import Testing

@testable import SharedState

@Suite("The table of components", .timeLimit(.minutes(5))) struct ComponentTableTests {
    private func owner(_ connection: UInt64, slot: UInt8 = 0, _ incarnation: UInt32 = 1) -> SessionOwner {
        SessionOwner(slot: slot, incarnation: incarnation, connection: connection)
    }

    private func entry(_ domain: String, _ owner: SessionOwner, isHidden: Bool = false) -> ComponentEntry {
        ComponentEntry(domain: domain, owner: owner, isHidden: isHidden, since: 7, address: "127.0.0.1")
    }

    @Test("others see what one claims, and that it has changed")
    func shared() throws {
        let segment = try smallSegment()
        let (table, other) = (ComponentTable(segment), ComponentTable(try secondMapping(of: segment)))
        let before = other.changes
        let entries = [entry("irc.example.org", owner(1)), entry("irc.example.net", owner(1), isHidden: true)]
        #expect(table.claim(entries, replaces: false) { _ in true } == .claimed(from: []))
        #expect(other.changes != before)
        #expect(other.entries().sorted { $0.domain > $1.domain } == entries)
        other.setHidden(true, of: owner(1))
        #expect(table.entries().map(\.isHidden) == [true, true])
        other.release(owner(2))
        #expect(table.entries().count == 2)
        other.release(owner(1))
        #expect(table.entries().isEmpty)
    }

    @Test("a domain has one component: the first, or the last where it takes it from the first")
    func conflicts() throws {
        let table = ComponentTable(try smallSegment())
        let first = entry("a.example.org", owner(1))
        _ = table.claim([first], replaces: false) { _ in true }
        let second = [entry("b.example.org", owner(2, slot: 1)), entry("a.example.org", owner(2, slot: 1))]
        #expect(table.claim(second, replaces: false) { _ in true } == .taken(first))
        #expect(table.entries() == [first], "nothing was changed")
        #expect(table.claim(second, replaces: true) { _ in true } == .claimed(from: [owner(1)]))
        #expect(Set(table.entries().map(\.owner)) == [owner(2, slot: 1)])
        table.release(owner(1))
        #expect(table.entries().count == 2, "who has lost them gives up nothing")
    }

    @Test("what a dead process had is free")
    func deaths() throws {
        let table = ComponentTable(try smallSegment())
        _ = table.claim([entry("a.example.org", owner(1, slot: 3)), entry("b.example.org", owner(1, slot: 3))], replaces: false) {
            _ in true
        }
        let next = [entry("a.example.org", owner(9))]
        #expect(table.claim(next, replaces: false) { $0.slot != 3 } == .claimed(from: []))
        table.releaseOrphans(slot: 3, before: 1)
        #expect(table.entries().count == 2)
        table.releaseOrphans(slot: 3, before: 2)
        #expect(table.entries() == next)
    }

    @Test("it has bounds")
    func bounds() throws {
        let table = ComponentTable(try smallSegment())
        let many = (0..<ComponentTable.capacity).map { entry("c\($0).example.org", owner(1)) }
        #expect(table.claim(many, replaces: false) { _ in true } == .claimed(from: []))
        #expect(table.claim([entry("more.example.org", owner(2))], replaces: false) { _ in true } == .full)
        #expect(table.claim([entry("c0.example.org", owner(2))], replaces: true) { _ in true } == .claimed(from: [owner(1)]))
        table.release(owner(1))
        let long = String(repeating: "x", count: ComponentTable.longestDomain)
        #expect(table.claim([entry(long, owner(3))], replaces: false) { _ in true } == .claimed(from: []))
        #expect(table.claim([entry(long + "x", owner(3))], replaces: false) { _ in true } == .full)
        #expect(table.entries().contains { $0.domain == long })
    }

    @Test("who reads a table that something has written over gets no more than there is")
    func damage() throws {
        let segment = try smallSegment()
        let table = ComponentTable(segment)
        let first = (segment.base + segment.layout.components + 128).assumingMemoryBound(to: xmppd_component.self)
        first.pointee.domain_length = .max
        #expect(table.entries().isEmpty)
        first.pointee.domain_length = 3
        first.pointee.address_length = .max
        #expect(table.entries().first?.address.utf8.count == Int(XMPPD_COMPONENT_ADDRESS))
    }
}
