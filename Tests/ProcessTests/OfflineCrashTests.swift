import TestKit
import Testing
import XML

/// XEP-0198 without an archive: offline storage is all that keeps messages.
@Suite("Workers that are killed, with offline storage alone", .timeLimit(.minutes(5)))
struct OfflineCrashTests {
    private static let rounds = 6

    @Test("lose no message that was acknowledged, however often clients are asked to acknowledge", arguments: [1, 50])
    func acknowledgedMessagesArrive(askedAfter: Int) throws {
        let server = try ServerUnderTest {
            $0.modules =
                ServerSettings.allModules + """

                    [modules.mod_stream_management]
                      ack_freq = \(askedAfter)
                      buffer_max = 100000
                    """
            $0.access += "\nmax_user_offline_messages = [{ acl = \"all\", value = \"infinity\" }]"
        }
        let loop = SocketLoop()
        for number in 0..<Crowd.size { try server.addAccounts("user\(number)") }
        let (port, domain) = (server.port, server.domain)
        let crowd = try loop.sync { Crowd(loop, domain, port) }
        defer { try? loop.sync { crowd.end() } }
        for round in 0..<Self.rounds {
            try eventually("all clients and workers to be there in round \(round)", within: 60) {
                let areReady = try (0..<2).allSatisfy { try server.worker($0).state == "ready" }
                return try areReady && loop.sync { crowd.clients.allSatisfy(\.isOnline) }
            }
            try loop.sync { crowd.begin() }
            let before = try loop.sync { crowd.acknowledged.count }
            try eventually("messages to be acknowledged in round \(round)", within: 60) {
                try loop.sync { crowd.acknowledged.count } > before + 200
            }
            // Every other time a client is away when it happens.
            if round % 2 == 1 { try loop.sync { crowd.clients[0].cut() } }
            try server.killWorker(round % 2)
        }
        try loop.sync { crowd.isWriting = false }
        try eventually("everything to be acknowledged", within: 60) {
            try loop.sync { crowd.clients.allSatisfy { $0.isOnline && $0.unacknowledgedCount == 0 } }
        }
        let missing = { try loop.sync { crowd.acknowledged.subtracting(crowd.received) } }
        try eventually("all acknowledged messages to arrive; missing: \((try? missing())?.sorted().prefix(20) ?? [])", within: 30) {
            try missing().isEmpty
        }
        let (acknowledged, doubled, sessions) = try loop.sync {
            (crowd.acknowledged.count, crowd.doubled, crowd.clients.reduce(0) { $0 + $1.session })
        }
        print("\(acknowledged) messages acknowledged and received, \(doubled) of them again, in \(sessions) sessions")
        #expect(sessions > Crowd.size, "no session was lost")
    }
}

/// Clients that write to one another, each to the next and to the next but one.
private final class Crowd: SteadyClientObserver {
    static let size = 4

    let clients: [SteadyClient]
    var isWriting = false
    private(set) var acknowledged: Set<String> = []
    private(set) var received: Set<String> = []
    private(set) var doubled = 0
    private let loop: SocketLoop
    private let domain: String
    private var number = 0

    init(_ loop: SocketLoop, _ domain: String, _ port: UInt16) {
        self.loop = loop
        self.domain = domain
        let parser = ElementParser()
        clients = (0..<Self.size).map {
            SteadyClient("user\($0)", domain: domain, resource: "home", on: loop, port: port, parser: parser)
        }
        for client in clients {
            client.observer = self
            client.readsArchive = false
            client.start()
        }
    }

    func begin() {
        guard !isWriting else { return }
        isWriting = true
        write()
    }

    func end() {
        isWriting = false
        for client in clients { client.leave() }
    }

    private func write() {
        guard isWriting else { return }
        for (place, client) in clients.enumerated() {
            for step in 1...2 {
                let to = "user\((place + step) % Self.size)@\(domain)"
                for _ in 0..<5 {
                    number += 1
                    let id = "\(number)"
                    client.send(id: id) { _ in "<message type='chat' to='\(to)' id='\(id)'><body>\(id)</body></message>" }
                }
            }
        }
        loop.after(milliseconds: 30) { [weak self] in self?.write() }
    }

    func client(_ client: SteadyClient, _ event: SteadyClient.Event) {
        switch event {
        case .acknowledged(let id): acknowledged.insert(id)
        case .received(let message):
            guard message["type"] != "error", let id = message["id"] else { return }
            if !received.insert(id).inserted { doubled += 1 }
        default: break
        }
    }
}
