import IPC
import Testing

@testable import Master

@Suite("Sockets from systemd", .timeLimit(.minutes(5)))
struct SocketActivationTests {
    private static let listeners = [
        ListenerSetting(kind: .client, position: 0, address: "0.0.0.0", port: 5222),
        ListenerSetting(kind: .client, position: 1, address: "::", port: 5222),
        ListenerSetting(kind: .server, position: 0, address: "0.0.0.0", port: 5269),
        ListenerSetting(kind: .client, position: 2, address: "fe80::1", port: 5222),
        ListenerSetting(kind: .client, position: 3, address: "127.0.0.1", port: 9, transport: .udp),
    ]

    private func socket(
        _ address: String, _ port: UInt16, _ name: String = "xmppd.socket", both: Bool = false,
        transport: ListenerDescriptor.Transport = .tcp
    ) -> HandedSocket {
        HandedSocket(name: name, address: address, port: port, transport: transport, takesIPv4: both)
    }

    @Test("Each finds its listener by address, port and transport")
    func found() {
        let sockets = [
            socket("::", 5222, "c2s"), socket("0.0.0.0", 5222, "c2s-legacy"), socket("0.0.0.0", 5269, "s2s"),
            socket("fe80:0::1", 5222), socket("127.0.0.1", 9, transport: .udp),
        ]
        let (places, problems) = SocketActivation.match(sockets, Self.listeners)
        #expect(places == [1, 0, 2, 3, 4] && problems.isEmpty)
    }

    @Test("A socket for both versions of IP serves a listener for IPv4, where there is none for IPv6")
    func both() {
        let listeners = [Self.listeners[0]]
        #expect(SocketActivation.match([socket("::", 5222, both: true)], listeners) == ([0], []))
        #expect(SocketActivation.match([socket("::", 5222)], listeners).problems.count == 1)
    }

    static let wrong: [(socket: HandedSocket, words: String)] = [
        (HandedSocket(name: "c2s", address: "0.0.0.0", port: 5223, transport: .tcp, takesIPv4: false), "where no listener is"),
        (HandedSocket(name: "c2s", address: "127.0.0.1", port: 5222, transport: .tcp, takesIPv4: false), "where no listener is"),
        (HandedSocket(name: "c2s", address: "0.0.0.0", port: 5222, transport: .udp, takesIPv4: false), "where no listener is"),
        (
            HandedSocket(name: "http", address: "0.0.0.0", port: 5222, transport: .tcp, takesIPv4: false),
            "correct FileDescriptorName="
        ),
        (HandedSocket(name: "c2s", address: "::", port: 5222, transport: .tcp, takesIPv4: true), "BindIPv6Only=ipv6-only"),
    ]

    @Test("Sockets that are for nobody are named, with the remedy", arguments: wrong.indices)
    func surplus(_ index: Int) throws {
        let (_, problems) = SocketActivation.match([Self.wrong[index].socket], Self.listeners)
        let problem = try #require(problems.first)
        #expect(problem.contains(Self.wrong[index].words) && problem.contains("FileDescriptorName="), "\(problem)")
    }

    @Test("Two sockets for one listener")
    func twice() {
        let (places, problems) = SocketActivation.match([socket("0.0.0.0", 5269), socket("0.0.0.0", 5269)], Self.listeners)
        #expect(places == [2] && problems.count == 1 && problems[0].contains("twice"))
    }
}

private func == (one: (places: [Int], problems: [String]), other: ([Int], [String])) -> Bool {
    one.places == other.0 && one.problems == other.1
}
