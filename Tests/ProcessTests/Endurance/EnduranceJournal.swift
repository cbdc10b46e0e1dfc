import Glibc
import TestKit
import XML

/// What an incident does to the server.
enum EnduranceIncident: String, CaseIterable {
    /// Before and after all incidents.
    case none = "none"
    case reload
    case rollingRestart = "rolling"
    case masterRestart = "re-exec"
    /// Connections are cut on the way; the server's processes are well.
    case cut
    case kill
    /// Two at once: connections are cut all the time while workers are replaced.
    case cutWhileRolling = "rolling+cut"
    /// The same with a worker that is killed.
    case killWhileRolling = "rolling+kill"

    /// Whether sessions may be lost in it.
    var isDeadly: Bool { self == .kill || self == .killWhileRolling }
}

/// Writes down what all clients live through, by what was done to the server at the time.
final class EnduranceJournal: SteadyClientObserver {
    struct Counts {
        var incidents = 0
        var milliseconds: Int64 = 0
        var disconnected = 0
        var resumed = 0
        var lost = 0
        /// Sessions that were lost though their worker was not the one killed.
        var lostElsewhere = 0
        var refused = 0
        var unserved = 0
        var odd = 0
    }

    private(set) var ledger: EnduranceLedger
    private(set) var counts: [EnduranceIncident: Counts] = [:]
    /// When each client lost sessions.
    private(set) var losses: [[Int64]]
    /// What happened to each client beside messages.
    private(set) var histories: [[(at: Int64, what: String)]]
    /// What happened to the server.
    private(set) var history: [(at: Int64, what: String)] = []
    private(set) var oddities: [String] = []
    private let clients: [ObjectIdentifier: Int]

    private var incident = EnduranceIncident.none
    private var begunAt = Deadline.now
    /// The clients that the present incident disconnects rightly; nil if it may be any.
    private var expected: Set<Int>?
    /// The clients that the present incident has disconnected.
    private(set) var disconnected: Set<Int> = []

    init(_ clients: [SteadyClient]) {
        self.clients = Dictionary(uniqueKeysWithValues: clients.enumerated().map { (ObjectIdentifier($1), $0) })
        ledger = EnduranceLedger(clients: clients.count)
        losses = Array(repeating: [], count: clients.count)
        histories = Array(repeating: [], count: clients.count)
    }

    /// What happens from now on is put down to this incident.
    func begin(_ next: EnduranceIncident, _ what: String, expected: Set<Int>? = nil) {
        counts[incident, default: Counts()].milliseconds += Deadline.now - begunAt
        counts[next, default: Counts()].incidents += 1
        (incident, begunAt, self.expected, disconnected) = (next, Deadline.now, expected, [])
        note(what)
    }

    func note(_ what: String) { history.append((Deadline.now, what)) }

    func findings() -> [EnduranceLedger.Finding] { ledger.findings(losses: losses) }

    /// An id is the direction and the number of a message.
    static func id(_ direction: Int, _ number: Int) -> String { "m\(direction)-\(number)" }

    private static func place(_ id: String) -> (direction: Int, number: Int)? {
        let parts = id.dropFirst().split(separator: "-")
        guard id.first == "m", parts.count == 2, let direction = Int(parts[0]), let number = Int(parts[1]) else { return nil }
        return (direction, number)
    }

    // MARK: What clients tell

    func client(_ client: SteadyClient, _ event: SteadyClient.Event) {
        let number = clients[ObjectIdentifier(client)]!
        switch event {
        case .sent(let id):
            guard let place = Self.place(id) else { return }
            ledger.sends(place.direction, number: place.number, session: client.session, at: Deadline.now)
        case .acknowledged(let id):
            guard let place = Self.place(id) else { return }
            ledger.acknowledges(place.direction, number: place.number, at: Deadline.now)
        case .received(let message):
            guard let (direction, copy) = copy(message, of: number) else { return }
            guard direction == number ^ 1 else { return odd(number, "not for it: \(message)") }
            let isDelayed = message.has("delay", "urn:xmpp:delay")
            ledger.receives(direction, copy, session: client.session, isDelayed: isDelayed, at: Deadline.now)
        case .archived(let message, let everything):
            guard let (direction, copy) = copy(message, of: number) else { return }
            if everything {
                ledger.finds(direction, copy, inArchiveOf: number)
            } else if direction != number {
                ledger.catchesUp(direction, copy, at: Deadline.now)
            }
        case .caughtUp(let everything): note(number, everything ? "has read its archive" : "has caught up")
        case .refused(let error):
            count(\.refused)
            note(number, "refused: \(String(cString: strerror(error)))")
        case .unserved(let error):
            count(\.unserved)
            note(number, "connected and not served: \(String(cString: strerror(error)))")
            if !incident.isDeadly { tell(number) }
        case .disconnected(let error, let condition):
            count(\.disconnected)
            disconnected.insert(number)
            note(number, "disconnected: \(condition ?? (error == 0 ? "end" : String(cString: strerror(error))))")
        case .began: note(number, "session \(client.session) begins: \(client.address)")
        case .resumed:
            count(\.resumed)
            note(number, "resumed; \(client.unacknowledgedCount) are sent again")
        case .lost(let condition):
            count(\.lost)
            losses[number].append(Deadline.now)
            if let expected, !expected.contains(number) { count(\.lostElsewhere) }
            note(number, "session \(client.session) is lost: \(condition)")
            if !incident.isDeadly { tell(number) }
        case .odd(let what): odd(number, what)
        }
    }

    /// Connections that come and go without a session.
    func probe(refused error: Int32?) {
        count(error == nil ? \.unserved : \.refused)
        note("a probe was \(error.map { "refused: \(String(cString: strerror($0)))" } ?? "not served")")
    }

    /// Which copy of which message this is; nil if it is none of ours.
    private func copy(_ message: Element, of client: Int) -> (Int, EnduranceLedger.Copy)? {
        guard let id = message["id"], let place = Self.place(id) else {
            if message["type"] != "headline" { odd(client, "a strange message: \(message)") }
            return nil
        }
        let body = (message.child("body")?.text ?? "").split(separator: " ")
        guard body.count == 2, Int(body[0]) == place.number, let session = Int(body[1]), message["type"] == "chat",
            ledger.directions.indices.contains(place.direction),
            place.number < ledger.directions[place.direction].messages.count
        else {
            odd(client, "not as it was sent: \(message)")
            return nil
        }
        return (place.direction, EnduranceLedger.Copy(number: place.number, session: session))
    }

    func beginsArchive(of client: Int) { ledger.beginsArchive(of: client) }

    private func count(_ field: WritableKeyPath<Counts, Int>) { counts[incident, default: Counts()][keyPath: field] += 1 }

    /// Keeps what led to something that should not have happened to a client.
    private func tell(_ client: Int) {
        let last = histories[client].suffix(8).map { "\($0.at - begunAt) ms \($0.what)" }
        oddities.append("client \(client), in \(incident.rawValue): \(last.joined(separator: "; "))")
    }

    private func odd(_ client: Int, _ what: String) {
        count(\.odd)
        oddities.append("client \(client): \(what)")
        note(client, what)
    }

    private func note(_ client: Int, _ what: String) { histories[client].append((Deadline.now, what)) }
}
