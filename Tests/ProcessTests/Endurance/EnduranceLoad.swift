import TestKit
import XML

/// A source of chance that is the same again for the same seed (SplitMix64).
struct SeededChance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// Pairs of clients that write to each other, and somebody who knocks at the door all the time. All of it happens on the
/// thread of a loop.
final class EnduranceLoad {
    let clients: [SteadyClient]
    let journal: EnduranceJournal
    private let loop: SocketLoop
    private var chance: SeededChance
    /// Milliseconds between two messages of a client.
    private let interval: Int
    private var isWriting = false
    private var numbers: [Int]
    private let probe: Probe

    init(_ loop: SocketLoop, pairs: Int, messagesPerSecond: Int, domain: String, port: UInt16, seed: UInt64) {
        self.loop = loop
        chance = SeededChance(state: seed)
        let parser = ElementParser()
        clients = (0..<2 * pairs).map {
            SteadyClient(Self.user($0), domain: domain, resource: "home", on: loop, port: port, parser: parser)
        }
        numbers = Array(repeating: 0, count: clients.count)
        interval = 1_000 * clients.count / messagesPerSecond
        journal = EnduranceJournal(clients)
        probe = Probe(loop, port, domain)
        for client in clients { client.observer = journal }
    }

    static func user(_ client: Int) -> String { "user\(client)" }

    func start() {
        for (number, client) in clients.enumerated() {
            // Not all at once: before login a server does not wait for long.
            loop.after(milliseconds: 5 * number) { client.start() }
        }
    }

    /// Begins to write and to knock.
    func write() {
        isWriting = true
        for number in clients.indices {
            loop.after(milliseconds: Int.random(in: 0..<interval, using: &chance)) { [weak self] in self?.writeOn(number) }
        }
        probe.journal = journal
        probe.knock()
    }

    func stopWriting() {
        isWriting = false
        probe.journal = nil
    }

    func leave() {
        for client in clients { client.leave() }
    }

    var areAllOnline: Bool { clients.allSatisfy(\.isOnline) }
    /// Whether all are online and have what they missed; while they write something is always unacknowledged.
    var isSettled: Bool { clients.allSatisfy { isWriting ? $0.isSettled : $0.isCalm } }

    private func writeOn(_ number: Int) {
        guard isWriting else { return }
        let client = clients[number]
        if client.isOnline, client.unacknowledgedCount < 50 {
            let count = numbers[number]
            numbers[number] += 1
            let id = EnduranceJournal.id(number, count)
            let peer = clients[number ^ 1]
            let to = EnduranceLedger.isToSession(number) ? "\(peer.bare)/home" : peer.bare
            client.send(id: id) { session in
                "<message type='chat' id='\(id)' to='\(to)'><body>\(count) \(session)</body></message>"
            }
        }
        let pause = interval / 2 + Int.random(in: 0...interval, using: &chance)
        loop.after(milliseconds: pause) { [weak self] in self?.writeOn(number) }
    }
}

/// Connects again and again, waits for the features of the stream, and goes.
private final class Probe: SocketOwner {
    /// Whom failures are told to; nil while nobody knocks.
    var journal: EnduranceJournal?
    private let loop: SocketLoop
    private let port: UInt16
    private let domain: String
    private var socket: LoopSocket?
    private var isOpen = false
    private var heard: [UInt8] = []

    init(_ loop: SocketLoop, _ port: UInt16, _ domain: String) {
        self.loop = loop
        self.port = port
        self.domain = domain
    }

    func knock() {
        guard journal != nil else { return }
        (isOpen, heard) = (false, [])
        socket = loop.connect(port: port, self)
    }

    func socketOpened() {
        isOpen = true
        socket?.send(
            "<?xml version='1.0'?><stream:stream to='\(domain)' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
    }

    func socketReceived(_ bytes: UnsafeRawBufferPointer) {
        heard += bytes
        guard String(decoding: heard, as: UTF8.self).contains("</stream:features>") else { return }
        socket?.send("</stream:stream>")
        socket?.close()
        pause()
    }

    func socketEnded(error: Int32) {
        journal?.probe(refused: isOpen ? nil : error)
        pause()
    }

    private func pause() {
        loop.after(milliseconds: 25) { [weak self] in self?.knock() }
    }
}
