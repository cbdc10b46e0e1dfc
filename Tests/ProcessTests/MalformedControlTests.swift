import IPC
import TestKit
import Testing

@Suite("Malformed input on the control socket", .timeLimit(.minutes(5)))
struct MalformedControlTests {
    /// A name, the bytes, and the code of the error that answers them.
    private static let rows: [(String, [UInt8], String)] = [
        ("zeros", Array(repeating: 0, count: 64), "malformed"),
        ("a length beyond every limit", [0xFF, 0xFF, 0xFF, 0xFF], "malformed"),
        ("a stream header", Array("<stream:stream to='localhost'>".utf8), "malformed"),
        ("an unknown kind", Frame.encode(kind: 9_999) { $0.uint64(1) }, "malformed"),
        ("a message of a worker", Frame.encode(kind: 1) { $0.uint64(1) }, "malformed"),
        ("a request cut short", Frame.encode(kind: ControlRequest.kind) { $0.uint64(1) }, "malformed"),
        (
            "a text longer than its frame",
            Frame.encode(kind: ControlRequest.kind) {
                $0.uint64(1)
                $0.uint32(UInt32.max)
            }, "malformed"
        ),
        ("an unknown verb", ControlRequest(id: 1, verb: "dance", arguments: [:]).encoded(), "unknown-verb"),
        ("an unknown argument", ControlRequest(id: 1, verb: "status", arguments: ["speed": 3]).encoded(), "bad-argument"),
        ("arguments that are no object", ControlRequest(id: 1, verb: "status", arguments: [1, 2]).encoded(), "bad-argument"),
        ("a missing argument", ControlRequest(id: 1, verb: "account.add", arguments: [:]).encoded(), "bad-argument"),
        (
            "an address that is none", ControlRequest(id: 1, verb: "account.exists", arguments: ["jid": "@"]).encoded(),
            "bad-argument"
        ),
        (
            "an account of another server",
            ControlRequest(id: 1, verb: "account.add", arguments: ["jid": "a@verona.example", "password": "a"]).encoded(),
            "not-found"
        ),
    ]

    @Test("gets an error reply, and harms nobody")
    func eachGetsItsReply() throws {
        let server = try ServerUnderTest.shared()
        for (name, bytes, expected) in Self.rows {
            let channel = try BlockingChannel(connectingTo: server.controlSocket)
            try channel.send(bytes)
            let reply = try ControlReply(channel.receive(timeout: 20_000))
            guard case .result(.failure(let code, let text)) = reply.outcome else {
                Issue.record("\(name): \(reply)")
                continue
            }
            #expect(code == expected, "\(name): \(text)")
            #expect(!text.isEmpty)
            guard expected == "malformed" else { continue }
            #expect(reply.id == 0, "\(name)")
            #expect(throws: BlockingChannel.Failure.closed(withinFrame: false), "\(name)") {
                try channel.receive(timeout: 20_000)
            }
        }
        #expect(try server.status().state == "running")
        #expect(try server.status().workers.allSatisfy { $0.restarts == 0 })
    }

    @Test("clients that say half of something hold nobody up")
    func halfRequests() throws {
        let server = try ServerUnderTest.shared()
        let request = ControlRequest(id: 1, verb: "status", arguments: [:]).encoded()
        let halves = try (0..<8).map { _ in try BlockingChannel(connectingTo: server.controlSocket) }
        for half in halves { try half.send(Array(request.prefix(7))) }
        #expect(try server.status().state == "running")
        for half in halves {
            try half.send(Array(request.dropFirst(7)))
            guard case .result(.success) = try ControlReply(half.receive(timeout: 20_000)).outcome else {
                Issue.record("half a request cannot be finished")
                continue
            }
        }
    }
}
