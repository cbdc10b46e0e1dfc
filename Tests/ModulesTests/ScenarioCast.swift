import Network
import Storage
import Streams
import Testing
import XML
import XMPP

@testable import Kernel
@testable import Modules

/// Those who speak in a scenario, and what each has heard so far.
@LoopActor
final class ScenarioCast {
    private let stage: Stage
    /// By the name in the script, `juliet/balcony`; without a resource it is `r`.
    private var clients: [String: StageClient] = [:]
    private var unread: [String: Int] = [:]
    private var accounts: Set<String> = []
    private var resumptions: [String: String] = [:]
    /// Stanzas that a client's former connections have heard since it enabled stream management.
    private var handled: [String: UInt32] = [:]

    init(_ scenario: Scenario) async throws {
        var modules = Catalog.modules.filter { !$0.isAlwaysOn && $0.name != Archive.name }.map { "[modules.\($0.name)]" }
        if case .modules(let named)? = scenario.steps.first?.step { modules = named }
        stage = try await Stage(modules.joined(separator: "\n"), Catalog.modules)
    }

    func perform(_ step: Scenario.Step) async throws {
        switch step {
        case .modules: break
        case .accounts(let names): for name in names { try await make(name) }
        case .contacts(let one, let other):
            for (user, contact) in [(one, other), (other, one)] {
                try await make(user)
                try await stage.roster(of: user, contact, .both)
            }
        case .arrives(let name, let worker, let isSilent): try await arrive(name, on: worker, isSilent: isSilent)
        case .sends(let name, let stanzas):
            for stanza in stanzas { try say(stanza, try client(name)) }
            try await settle()
        case .receives(let name, let stanzas, let isOrdered): try await receive(name, stanzas, isOrdered: isOrdered)
        case .silence:
            try await settle()
            for (name, client) in clients {
                let unread = told(client).dropFirst(unread[name, default: 0])
                guard unread.isEmpty else { throw Scenario.Failure(description: "\(name) has received \(Array(unread))") }
            }
        case .leaves(let name):
            try client(name).session.close(nil)
            clients[name] = nil
        case .loses(let name):
            let client = try client(name)
            try await client.settle()
            client.session.streamDidDisconnect(client)
        case .resumes(let name, let worker): try await resume(name, on: worker)
        }
    }

    private func client(_ name: String) throws -> StageClient {
        guard let client = clients[name] else { throw Scenario.Failure(description: "\(name) is not there") }
        return client
    }

    private func make(_ user: String) async throws {
        if accounts.insert(user).inserted { try await stage.account(user) }
    }

    private func arrive(_ name: String, on worker: Int, isSilent: Bool) async throws {
        let parts = name.split(separator: "/").map(String.init)
        try await make(parts[0])
        let client = try await stage.bound(parts[0], parts.count > 1 ? parts[1] : "r", on: worker)
        clients[name] = client
        if !isSilent {
            _ = try await client.ask("get", "<query xmlns='jabber:iq:roster'/>")
            try client.say("<presence/>")
        }
        try await settle()
        for (name, client) in clients { unread[name] = told(client).count }
    }

    /// Top-level elements that are no stanzas go where the stream takes them.
    private func say(_ text: String, _ client: StageClient) throws {
        let element = try ScenarioTemplate.element(text)
        if Stanza.kind(of: element) == nil {
            client.session.host.handleExtension(element, from: client.session)
        } else {
            try client.say(text)
        }
    }

    private func receive(_ name: String, _ stanzas: [String], isOrdered: Bool) async throws {
        let client = try client(name)
        var expected = stanzas.map(ScenarioTemplate.init)
        while !expected.isEmpty {
            let next = unread[name, default: 0]
            guard await StageTime.passes(within: .seconds(10), until: { self.told(client).count > next }) else {
                throw Scenario.Failure(description: "\(name) has received nothing more, and not \(expected[0].text)")
            }
            let stanza = told(client)[next]
            unread[name] = next + 1
            if let id = stanza["id"], stanza.isNamed("enabled") { resumptions[name] = id }
            let differences = (isOrdered ? expected.prefix(1) : expected[...]).map { $0.difference(from: stanza) }
            guard let place = differences.firstIndex(of: nil) else {
                let reasons = differences.compactMap(\.self).joined(separator: "; ")
                throw Scenario.Failure(description: "\(name) has received \(stanza): \(reasons)")
            }
            expected.remove(at: place)
        }
    }

    private func resume(_ name: String, on worker: Int) async throws {
        guard let resumption = resumptions[name], let user = name.split(separator: "/").first else {
            throw Scenario.Failure(description: "\(name) has not enabled resumption")
        }
        let former = try client(name)
        let counted = (former.heard.firstIndex { $0.isNamed("enabled") } ?? -1) + 1
        handled[name, default: 0] += UInt32(former.heard[counted...].count { Stanza.kind(of: $0) != nil })
        let (client, answer) = await stage.resumed(String(user), resumption, handled: handled[name, default: 0], on: worker)
        guard case .resumed = answer else { throw Scenario.Failure(description: "\(name) was not resumed: \(answer)") }
        clients[name] = client
        unread[name] = 0
    }

    /// What a client has heard, without the stage's own requests and those for acknowledgement, whose number is a matter of time.
    private func told(_ client: StageClient) -> [Element] {
        client.heard.filter { $0.child("x", "settle") == nil && !$0.is("r", StreamManagementXML.namespace) }
    }

    /// Everything that was said has arrived, by whichever workers it goes.
    private func settle() async throws {
        for _ in 0..<2 {
            for client in clients.values where client.session.isAttached && !client.session.hasEnded { try await client.settle() }
            await StageTime.runUntilIdle()
        }
    }
}
