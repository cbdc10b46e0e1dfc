import Glibc
import IPC
import Testing

@testable import Master

/// Sockets through changes of configuration.
@Suite(.timeLimit(.minutes(5)))
struct ListenerSetTests {
    private func setting(_ position: Int, port: UInt16 = 0, address: String = "127.0.0.1", isShared: Bool = false)
        -> ListenerSetting
    {
        ListenerSetting(kind: .client, position: position, address: address, port: port, isShared: isShared)
    }

    /// A connection to the port, which waits to be accepted; nil if it is refused.
    private func connect(_ port: UInt16) -> Descriptor? {
        let end = Descriptor(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(end.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return outcome == 0 ? end : nil
    }

    private func numbers(_ set: ListenerSet) -> [[Int32]] { set.bound.map { $0.sockets.map(\.number) } }

    @Test func whatIsKeptKeepsItsSocketsAndItsIndex() throws {
        let set = try ListenerSet([setting(0, address: "127.0.0.2"), setting(1)], workers: 2)
        let before = numbers(set)
        let port = set.bound[1].descriptor.port
        let waiting = try #require(connect(port))
        // The second becomes the first; a third comes, and the first goes.
        let change = try set.change(to: [setting(0), setting(1, address: "127.0.0.3")], workers: 2)
        #expect(numbers(set) == before)
        #expect(change.opened.map(\.descriptor.index) == [2])
        #expect(change.removed.map(\.descriptor.index) == [0])
        let gone = set.adopt(change)
        #expect(gone.count == 2)
        #expect(set.bound.map(\.descriptor.index) == [1, 2])
        #expect(set.bound[0].descriptor.position == 0)
        #expect(numbers(set)[0] == before[1])
        let accepted = accept(set.bound[0].sockets[0].number, nil, nil)
        #expect(accepted >= 0)
        close(accepted)
        withExtendedLifetime(waiting) {}
    }

    @Test func anIndexIsGivenOutAgainOnlyWhenNothingIsOpenUnderIt() throws {
        let set = try ListenerSet([setting(0)], workers: 1)
        var busy: Set<Int> = [0]
        set.isVacant = { !busy.contains($0) }
        var indices: Set<UInt16> = []
        for step in 0..<(2 * ListenerSet.limit) {
            let change = try set.change(
                to: [setting(0, address: "127.0.0.\(2 + step % 2)"), setting(1, address: "127.0.0.\(4 + step % 2)")], workers: 1)
            _ = set.adopt(change)
            indices.formUnion(set.bound.dropFirst().map(\.descriptor.index))
            busy = [0, Int(set.bound[1].descriptor.index)]
        }
        #expect(!indices.contains(0))
    }

    @Test func aMovedListenerKeepsItsIndexAtAnotherSocket() throws {
        let set = try ListenerSet([setting(0)], workers: 1)
        let change = try set.change(to: [setting(0, address: "127.0.0.2")], workers: 1)
        #expect(change.removed.isEmpty)
        #expect(change.opened.map(\.descriptor.index) == [0])
        let gone = set.adopt(change)
        #expect(gone[0].descriptor.address == "127.0.0.1" && set.bound[0].descriptor.address == "127.0.0.2")
    }

    @Test func anAddressWithinOneThatGoesIsBoundBesideIt() throws {
        let set = try ListenerSet([setting(0, address: "0.0.0.0")], workers: 1)
        let port = set.bound[0].descriptor.port
        let old = ListenerSetting(kind: .client, position: 0, address: "0.0.0.0", port: port)
        _ = set.adopt(try set.change(to: [old], workers: 1))
        let change = try set.change(to: [setting(0, port: port)], workers: 1)
        // Until the commit connections reach the old one.
        let early = try #require(connect(port))
        #expect(accept(set.bound[0].sockets[0].number, nil, nil) >= 0)
        var gone: [ListenerSet.Bound]? = set.adopt(change)
        #expect(gone?.count == 1)
        gone = nil
        let late = try #require(connect(port))
        #expect(accept(set.bound[0].sockets[0].number, nil, nil) >= 0)
        withExtendedLifetime((early, late)) {}
    }

    @Test func whatWasPreparedInVainLeavesNothing() throws {
        let set = try ListenerSet([setting(0)], workers: 1)
        let probe = try ListenerSet([setting(0)], workers: 1)
        let port = probe.bound[0].descriptor.port
        // The first of the two could be bound.
        #expect(throws: ListenerSet.Failure(listener: setting(2, port: port), number: EADDRINUSE)) {
            try set.change(to: [setting(0), setting(1, address: "127.0.0.2"), setting(2, port: port)], workers: 1)
        }
        #expect(set.bound.count == 1)
        // A rehearsal binds without listening.
        let change = try set.change(to: [setting(0, address: "127.0.0.1"), setting(1)], workers: 1, listens: false)
        #expect(connect(change.opened[0].descriptor.port) == nil)
    }

    @Test func sharingIsSwitchedOnWithoutAnotherSocket() throws {
        let set = try ListenerSet([setting(0)], workers: 2)
        let before = numbers(set)
        let port = set.bound[0].descriptor.port
        #expect(throws: ListenerSet.Failure.self) { try ListenerSet([setting(0, port: port, isShared: true)], workers: 1) }
        _ = set.adopt(try set.change(to: [setting(0, isShared: true)], workers: 2))
        #expect(numbers(set) == before)
        #expect(try ListenerSet([setting(0, port: port, isShared: true)], workers: 1).bound.count == 1)
    }

    @Test(arguments: [(1, 3, "0|0|0"), (3, 3, "0|1|2"), (4, 2, "0,2|1,3"), (2, 3, "0|1|0"), (3, 1, "0,1,2")])
    func everySocketHasAWorker(_ sockets: Int, _ workers: Int, _ expected: String) throws {
        let set = try ListenerSet([setting(0, isShared: true)], workers: sockets)
        let bound = set.bound[0]
        let numbers = bound.sockets.map(\.number)
        let shares = (0..<workers).map { position in
            ListenerSet.sockets(of: bound, position: position, workers: workers)
                .compactMap { numbers.firstIndex(of: $0.number) }.map(String.init).joined(separator: ",")
        }
        #expect(shares.joined(separator: "|") == expected)
    }
}
