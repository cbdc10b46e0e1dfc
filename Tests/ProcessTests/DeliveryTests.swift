import TestKit
import Testing
import XML

/// RFC 6121 §8.5 with several resources on two workers: who gets what, and what the sender is told.
@Suite("Delivery of messages and presence", .timeLimit(.minutes(5)))
struct DeliveryTests {
    /// The priorities of the receiver's resources.
    static let priorities: [[Int]] = [
        [1], [0], [-1], [1, 1, 1], [1, 1, -1, 1], [3, 1, 2], [1, 2, -1, 3], [0, 0, 0], [0, 0, -1, 0], [3, 1, 0], [1, 0, -1, 3],
        [-1, -1, -1], [],
    ]

    /// A sender on each worker, and a receiver whose resources are on both.
    final class Stage {
        let server: ServerUnderTest
        let senders: [TestClient]
        let resources: [TestClient]
        private var count = 0

        init() throws {
            let server = try ServerUnderTest.shared {
                $0.modules = $0.modules.replacing("[modules.mod_offline]\n", with: "")
            }
            self.server = server
            try server.addAccounts("juliet", "romeo")
            senders = try (0..<2).map { try server.join("juliet", toWorker: $0) }
            resources = try (0..<4).map { try server.logIn("romeo", resource: "r\($0)", toWorker: $0 % 2) }
            _ = try settle(resources + senders)
        }

        /// Makes as many resources available as there are priorities, the others unavailable.
        func set(_ priorities: [Int]) throws {
            for (place, resource) in resources.enumerated() {
                if place < priorities.count {
                    try resource.becomeAvailable(priority: priorities[place])
                } else {
                    try resource.send("<presence type='unavailable'/>")
                }
            }
            _ = try settle(resources + senders)
        }

        /// Sends one stanza and tells which resources it came to and what came back.
        func outcome(
            _ sender: TestClient, _ stanza: (_ id: String) -> String
        ) throws -> (receivers: Set<Int>, copies: [Element], answers: [Element]) {
            count += 1
            let id = "stanza-\(count)"
            try sender.send(stanza(id))
            let heard = try settle(resources + [sender])
            let copies = heard.dropLast().map { $0.filter { $0["id"] == id } }
            #expect(copies.allSatisfy { $0.count <= 1 }, "delivered twice")
            let receivers = copies.indices.filter { !copies[$0].isEmpty }
            return (Set(receivers), Array(copies.joined()), (heard.last ?? []).filter { $0["id"] == id })
        }
    }

    private static let types = ["normal", "chat", "headline", "groupchat", "error"]

    private static func message(_ id: String, _ type: String, _ to: String) -> String {
        "<message id='\(id)' type='\(type)' to='\(to)'><body>Hist!</body></message>"
    }

    @Test("messages to a bare address (§8.5.2)")
    func messagesToAccounts() throws {
        let stage = try Stage()
        for priorities in Self.priorities {
            try stage.set(priorities)
            let willing = Set(priorities.indices.filter { priorities[$0] >= 0 })
            for type in Self.types {
                for sender in stage.senders {
                    let (receivers, copies, answers) = try stage.outcome(sender) { Self.message($0, type, "romeo@localhost") }
                    let row = Comment("\(type) with \(priorities)")
                    switch type {
                    case "groupchat", "error": #expect(receivers.isEmpty, row)
                    default: #expect(receivers == willing, row)
                    }
                    let isRefused = type == "groupchat" || (willing.isEmpty && (type == "normal" || type == "chat"))
                    #expect(answers.map { $0["type"] } == (isRefused ? ["error"] : []), row)
                    if isRefused {
                        #expect(answers.first?["from"] == "romeo@localhost", row)
                        #expect(answers.first?.child("error")?.firstChild?.name == "service-unavailable", row)
                    }
                    #expect(
                        copies.allSatisfy { $0["to"] == "romeo@localhost" && $0["from"] == sender.address && $0["type"] == type },
                        row)
                }
            }
        }
    }

    @Test("messages to a full address that is there (§8.5.3.1)")
    func messagesToSessions() throws {
        let stage = try Stage()
        for priorities in [[1, -1, 0], [0, 0, 0]] {
            try stage.set(priorities)
            for type in Self.types {
                for (place, resource) in stage.resources.enumerated() {
                    let sender = stage.senders[place / 2]
                    let (receivers, copies, answers) = try stage.outcome(sender) { Self.message($0, type, resource.address) }
                    #expect(receivers == [place], "\(type) to \(place)")
                    #expect(copies.first?["to"] == resource.address)
                    #expect(copies.first?.child("body")?.text == "Hist!")
                    #expect(answers.isEmpty)
                }
            }
        }
    }

    @Test("messages to a full address that is not there (§8.5.3.2.1)")
    func messagesToMissingSessions() throws {
        let stage = try Stage()
        for priorities in Self.priorities {
            try stage.set(priorities)
            let willing = Set(priorities.indices.filter { priorities[$0] >= 0 })
            for type in Self.types {
                let (receivers, _, answers) = try stage.outcome(stage.senders[0]) {
                    Self.message($0, type, "romeo@localhost/nowhere")
                }
                let row = Comment("\(type) with \(priorities)")
                #expect(receivers == (type == "chat" ? willing : []), row)
                if type == "error" { #expect(answers.isEmpty, row) }
                #expect(answers.allSatisfy { $0["type"] == "error" && $0["from"] == "romeo@localhost/nowhere" }, row)
            }
        }
    }

    @Test("directed presence to a bare address reaches every available resource (§8.5.2.1.2)")
    func presenceToAccounts() throws {
        let stage = try Stage()
        for priorities in Self.priorities {
            try stage.set(priorities)
            for type in ["", " type='unavailable'"] {
                for sender in stage.senders {
                    let (receivers, copies, answers) = try stage.outcome(sender) {
                        "<presence id='\($0)'\(type) to='romeo@localhost'><marker xmlns='urn:example:marker'>x</marker></presence>"
                    }
                    #expect(receivers == Set(priorities.indices), "\(type) with \(priorities)")
                    #expect(copies.allSatisfy { $0["to"] == "romeo@localhost" && $0["from"] == sender.address })
                    #expect(copies.allSatisfy { $0.child("marker", "urn:example:marker")?.text == "x" })
                    #expect(answers.isEmpty)
                }
            }
        }
    }

    @Test("presence to a full address that is not there reaches nobody (§8.5.3.2.2)")
    func presenceToMissingSessions() throws {
        let stage = try Stage()
        for priorities in [[1, -1], [0, 0], []] {
            try stage.set(priorities)
            for type in ["", "unavailable", "subscribed", "unsubscribe", "unsubscribed"] {
                let (receivers, _, answers) = try stage.outcome(stage.senders[1]) {
                    "<presence id='\($0)'\(type.isEmpty ? "" : " type='\(type)'") to='romeo@localhost/nowhere'/>"
                }
                #expect(receivers.isEmpty, "\(type) with \(priorities)")
                #expect(answers.isEmpty)
            }
        }
    }

    @Test("IQs to accounts are answered by the server, those to sessions are passed on (§8.5.2, §8.5.3)")
    func requests() throws {
        let stage = try Stage()
        try stage.set([1, -1, 0])
        let unknown = "<test xmlns='urn:example:unknown'/>"
        let roster = "<query xmlns='jabber:iq:roster'/>"
        for sender in stage.senders {
            for type in ["get", "set"] {
                for payload in [unknown, roster] {
                    for (to, condition) in [
                        ("romeo@localhost", "service-unavailable"),
                        ("romeo@localhost/nowhere", "service-unavailable"), ("nobody@localhost", "service-unavailable"),
                        ("nobody@localhost/nowhere", "service-unavailable"),
                    ] {
                        let (receivers, _, answers) = try stage.outcome(sender) {
                            "<iq id='\($0)' type='\(type)' to='\(to)'>\(payload)</iq>"
                        }
                        #expect(receivers.isEmpty)
                        #expect(answers.count == 1)
                        #expect(answers.first?["from"] == to)
                        #expect(answers.first?.child("error")?.firstChild?.name == condition, "\(type) \(payload) to \(to)")
                    }
                }
            }
            for type in ["get", "set", "result", "error"] {
                for payload in [unknown, roster] {
                    let target = stage.resources[1]
                    let (receivers, _, _) = try stage.outcome(sender) {
                        "<iq id='\($0)' type='\(type)' to='\(target.address)'>\(payload)</iq>"
                    }
                    #expect(receivers == [1], "\(type) \(payload)")
                }
            }
        }
    }

    @Test("an account that does not exist (§8.5.1)")
    func nobody() throws {
        let stage = try Stage()
        let sender = stage.senders[0]
        for to in ["nobody@localhost", "nobody@localhost/nowhere"] {
            for type in ["", "unavailable", "subscribed", "unsubscribe", "unsubscribed", "probe"] {
                let (_, _, answers) = try stage.outcome(sender) {
                    "<presence id='\($0)'\(type.isEmpty ? "" : " type='\(type)'") to='\(to)'/>"
                }
                #expect(answers.isEmpty, "\(type) to \(to)")
            }
            for type in ["normal", "chat"] {
                let (_, _, answers) = try stage.outcome(sender) { Self.message($0, type, to) }
                #expect(answers.map { $0.child("error")?.firstChild?.name } == ["service-unavailable"], "\(type) to \(to)")
                #expect(answers.first?["from"] == to)
            }
        }
        try sender.send("<presence id='ask' type='subscribe' to='nobody@localhost'/>")
        let heard = try settle([sender])[0]
        #expect(heard.filter { $0.isNamed("presence") }.isEmpty, "\(heard)")
    }

    @Test("stanzas of a pair keep their order, whatever lies between them (RFC 6120 §10.1)")
    func order() throws {
        let stage = try Stage()
        try stage.set([1, 0, 0, 0])
        let sender = stage.senders[1]
        var expected: [String] = []
        var burst = ""
        for number in 0..<200 {
            expected.append("n\(number)")
            switch number % 4 {
            case 0: burst += "<message id='n\(number)' type='chat' to='romeo@localhost'><body>x</body></message>"
            case 1: burst += "<message id='n\(number)' to='\(stage.resources[0].address)'><body>x</body></message>"
            case 2: burst += "<presence id='n\(number)' to='romeo@localhost'/>"
            default: burst += "<iq id='n\(number)' type='result' to='\(stage.resources[0].address)'/>"
            }
        }
        try sender.send(burst)
        let heard = try settle([sender, stage.resources[0]])[1].compactMap { $0["id"] }.filter { $0.hasPrefix("n") }
        #expect(heard == expected)
    }
}
