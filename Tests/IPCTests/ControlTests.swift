import Testing

@testable import IPC

@Suite(.timeLimit(.minutes(5)))
struct ControlTests {
    private let request = ControlRequest(id: 9, verb: "account.add", arguments: ["user": "ada@example.org"])

    @Test func requestComesBack() throws {
        let frame = try frame(request.encoded())
        #expect(try ControlRequest(frame) == request)
        for end in frame.payload.startIndex..<frame.payload.endIndex {
            #expect(throws: WireError.truncated) { try ControlRequest(Frame(kind: frame.kind, payload: frame.payload[..<end])) }
        }
    }

    @Test(arguments: [
        ControlReply.Outcome.progress([1, 2]), .result(.success(nil)),
        .result(.failure(code: "unavailable", text: "no worker is ready")),
    ])
    func replyComesBack(outcome: ControlReply.Outcome) throws {
        let reply = ControlReply(id: 9, outcome)
        #expect(try ControlReply(frame(reply.encoded())) == reply)
    }

    @Test func anotherKindIsNoRequest() throws {
        #expect(throws: WireError.unknownKind(202)) {
            try ControlRequest(frame(ControlReply(id: 1, .progress(nil)).encoded()))
        }
        #expect(throws: WireError.unknownKind(201)) { try ControlReply(frame(request.encoded())) }
    }
}
