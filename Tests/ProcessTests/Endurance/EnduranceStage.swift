import Foundation
import IPC
import TestKit

/// A server under load, and what can be done to it.
final class EnduranceStage {
    let server: ServerUnderTest
    let load: EnduranceLoad
    let loop = SocketLoop()
    private var chance: SeededChance
    private var reloads = 0
    private var rebuilds = 0

    init(workers: Int, pairs: Int, messagesPerSecond: Int, seed: UInt64) throws {
        server = try ServerUnderTest(
            {
                $0.workers = workers
                Self.set(0, in: &$0)
            }, hasOwnPrograms: true)
        for client in 0..<2 * pairs { try server.addAccounts(EnduranceLoad.user(client)) }
        chance = SeededChance(state: seed &+ 1)
        let (loop, port, domain) = (loop, server.port, server.domain)
        load = try loop.sync {
            EnduranceLoad(loop, pairs: pairs, messagesPerSecond: messagesPerSecond, domain: domain, port: port, seed: seed)
        }
    }

    // MARK: The configuration

    /// The n-th configuration: each differs from the one before in several options of all kinds.
    private static func set(_ number: Int, in settings: inout ServerSettings) {
        settings.general = "replaced_wait_timeout = \(2_000 + number)"
        settings.registrationTimeout = number % 2 == 0 ? "\"infinity\"" : "\(600 + number)"
        settings.listeners = [.init(options: "max_stanza_size = \(65_536 + number)\n  shaper = \"wide\"")]
        if number % 3 == 1 { settings.listeners.append(.init()) }
        settings.hosts = number % 4 == 2 ? ["localhost", "host\(number).example"] : ["localhost"]
        settings.access = """
            c2s = [{ acl = "banned\(number % 2)", value = "deny" }, { acl = "all", value = "allow" }]
            max_user_sessions = [{ acl = "all", value = \(10 + number % 5) }]
            """
        settings.modules =
            ServerSettings.allModules.replacing("[modules.mod_time]", with: number % 2 == 0 ? "[modules.mod_time]" : "")
            .replacing("[modules.mod_version]", with: number % 3 == 0 ? "[modules.mod_version]" : "") + """

                [modules.mod_stream_management]
                  ack_freq = \(1 + number % 3)
                  buffer_max = \(1_000 + number)
                [modules.mod_mam]
                  max_result_limit = \(50 + number % 7)
                  [modules.mod_mam.pm]
                """
        settings.rest = """
            [shaper.wide]
              max_rate = \(1_000_000 + number)
            [acl]
              banned0 = [{ user = "nobody" }]
              banned1 = [{ user = "nothing" }, { user = "nobody" }]
            """
    }

    // MARK: Incidents

    /// Lets something happen, and waits until all clients are served as before.
    func run(_ incident: EnduranceIncident) throws {
        switch incident {
        case .none: try begin(.none, "nothing")
        case .reload: try reload()
        case .rollingRestart: try restartRolling(incident) {}
        case .cutWhileRolling: try restartRolling(incident) { try cutEveryThird() }
        case .killWhileRolling: try restartRolling(incident, onceMeanwhile: true) { try server.killWorker(somePlace()) }
        case .masterRestart: try restartMaster()
        case .cut: try cut()
        case .kill: try kill()
        }
        try settle(incident.rawValue)
    }

    private func begin(_ incident: EnduranceIncident, _ what: String, expected: Set<Int>? = nil) throws {
        try loop.sync { load.journal.begin(incident, what, expected: expected) }
    }

    /// Waits until all clients are online and have what they missed, and some more messages have come and gone.
    func settle(_ what: String) throws {
        try eventually("all clients to be online after \(what); \(summary())", within: 60) {
            try loop.sync { load.isSettled }
        }
        try eventually("every session in the table to be that of a client after \(what)", within: 30) {
            try server.control("session.count")["count"]?.int.map { Int($0) } == load.clients.count
        }
        let acknowledged = try loop.sync { load.journal.ledger.acknowledged }
        try eventually("messages to be acknowledged after \(what); \(summary())", within: 30) {
            try loop.sync { load.journal.ledger.acknowledged } >= acknowledged + load.clients.count / 4
        }
    }

    private func summary() -> String {
        let text = try? loop.sync {
            let absent = load.clients.filter { !$0.isSettled }.prefix(5).map { client in
                let number = load.clients.firstIndex { $0 === client }!
                return "\(client.bare): \(load.journal.histories[number].suffix(4).map(\.what))"
            }
            return "\(load.clients.count { !$0.isSettled }) are not: \(absent)"
        }
        return text ?? ""
    }

    private func reload() throws {
        reloads += 1
        try server.configure { Self.set(reloads, in: &$0) }
        try begin(.reload, "reload \(reloads)")
        let outcome = try server.xmppctl("reload")
        guard outcome.status == 0 else { throw TestFailure("reload \(reloads): \(outcome.error)\n\(server.log.suffix(2_000))") }
    }

    /// - Parameter meanwhile: done every now and then until the restart is over, or only once.
    private func restartRolling(
        _ incident: EnduranceIncident, onceMeanwhile: Bool = false, _ meanwhile: () throws -> Void
    ) throws {
        rebuilds += 1
        try server.rebuildWorker(rebuilds)
        let before = try workers()
        try begin(incident, "rolling restart \(rebuilds)")
        let error = open(server.directory.file("restart.log"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(error) }
        let restart = try ChildProcess(
            Programs.product("xmppctl"), ["restart", "--rolling"], output: error, error: error,
            variables: ["XMPPD_CONTROL_SOCKET": server.controlSocket])
        let deadline = Deadline(seconds: 120)
        var (status, isDone): (Int32?, Bool) = (nil, false)
        while status == nil, !deadline.hasPassed {
            status = restart.wait(Deadline(seconds: 0.3))
            if status == nil, !isDone {
                try meanwhile()
                isDone = onceMeanwhile
            }
        }
        guard status == 0 || onceMeanwhile else {
            throw TestFailure(
                "rolling restart: status \(status ?? -1): \(server.directory.read("restart.log"))\n\(server.log.suffix(2_000))")
        }
        try eventually("all workers to be ready; \(server.log.suffix(2_000))", within: 60) {
            try server.status().workers.allSatisfy { $0.state == "ready" }
        }
        let after = try workers()
        guard onceMeanwhile || Set(before.values).isDisjoint(with: after.values), before.count == after.count else {
            throw TestFailure("after a rolling restart there are \(after), before there were \(before)")
        }
    }

    private func restartMaster() throws {
        let before = try workers()
        try begin(.masterRestart, "the master executes itself anew")
        let outcome = try server.xmppctl("restart", "--master")
        guard outcome.status == 0 else { throw TestFailure("the master: \(outcome.error)\n\(server.log.suffix(2_000))") }
        guard try workers() == before else { throw TestFailure("the master has other workers: \(try workers()), not \(before)") }
    }

    /// Cuts the connections of a third of the clients, who then come to whatever worker.
    private func cut() throws {
        try begin(.cut, "every third connection is cut")
        try cutEveryThird()
    }

    private func cutEveryThird() throws {
        let (start, clients) = (Int.random(in: 0..<3, using: &chance), load.clients)
        try loop.sync {
            for number in stride(from: start, to: clients.count, by: 3) { clients[number].cut() }
        }
    }

    private func kill() throws {
        let slot = try somePlace()
        let victims = try clients(on: slot)
        try begin(.kill, "worker \(slot) is killed, which \(victims.count) clients are on", expected: victims)
        let pid = try server.killWorker(slot)
        // A worker that dies again and again has to wait before it is started.
        try eventually("slot \(slot) to be filled again; \(server.log.suffix(2_000))", within: 180) {
            let worker = try server.worker(slot)
            return worker.state == "ready" && worker.pid != pid
        }
        try eventually("clients to notice that worker \(slot) was killed") {
            try loop.sync { load.journal.disconnected.isSuperset(of: victims) }
        }
    }

    private func somePlace() throws -> Int {
        try server.status().workers.filter { $0.pid != nil }.map(\.slot).randomElement(using: &chance)!
    }

    private func workers() throws -> [Int: Int32] {
        try Dictionary(uniqueKeysWithValues: server.status().workers.map { ($0.slot, $0.pid ?? 0) })
    }

    private func clients(on slot: Int) throws -> Set<Int> {
        let there = Set(try server.sessions().filter { $0.worker == slot }.map(\.jid))
        return try loop.sync { Set(load.clients.indices.filter { there.contains(load.clients[$0].address) }) }
    }

    // MARK: The end

    /// Lets everything come to rest and reads all archives.
    func finish() throws {
        try begin(.none, "the end")
        try loop.sync { load.stopWriting() }
        try eventually("everything to be acknowledged; \(summary())", within: 60) { try loop.sync { load.isSettled } }
        // A few at a time, or those that wait time out.
        let clients = load.clients
        for start in stride(from: 0, to: clients.count, by: 20) {
            let group = start..<min(start + 20, clients.count)
            try loop.sync {
                for number in group {
                    load.journal.beginsArchive(of: number)
                    clients[number].fetchArchive()
                }
            }
            try eventually("archives; \(summary())", within: 120) { try loop.sync { clients[group].allSatisfy(\.isCalm) } }
        }
        try loop.sync { load.leave() }
    }
}
