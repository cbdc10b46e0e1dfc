import Testing

@testable import IPC

private let bundle = ConfigurationBundle(
    path: "/etc/xmppd/xmppd.toml", text: Array("[general]".utf8),
    files: [.init(name: "key.pem", contents: [0, 255, 10]), .init(name: "", contents: [])])
private let problem = ReportedProblem(
    file: "a.toml", line: 3, column: 9, path: "listen.c2s[1].tls.certfile", text: "has expired; renew it")
private let value: Value = [
    "null": nil, "yes": true, "no": false, "int": -5, "double": 2.5, "text": "Grüße", "list": [1, [2, []], "x"],
    "empty": .object([]),
]

private let pool = PoolReport(
    kind: "ldap", tag: "default", host: "example.org", state: .down, sinceMilliseconds: .max, connections: 1, waiting: 2,
    failures: 3, reason: "no answer")

let masterMessages: [MasterMessage] = [
    .configure(bundle), .segment,
    .listener(ListenerDescriptor(index: 3, kind: .client, position: 1, address: "::1", port: 5222)),
    .mesh(slot: 1, incarnation: 7), .meshGone(slot: 63, incarnation: .max), .start,
    .prepare(generation: 2, bundle, workers: 1, listeners: []),
    .prepare(
        generation: 2, bundle, workers: 64,
        listeners: [ListenerDescriptor(index: 255, kind: .client, position: 0, address: "0.0.0.0", port: 1, transport: .udp)]),
    .commit(generation: 2), .abort(generation: 2), .stop(deadlineMilliseconds: 30_000),
    .operation(id: .max, verb: "account.add", arguments: value), .logLevel("debug"),
    .drain(successor: 65, deadlineMilliseconds: 1), .collectOrphans(slot: 127, incarnation: 3),
]

let workerMessages: [WorkerMessage] = [
    .hello(Hello(pid: 4_711, slot: 1, incarnation: 7)), .ready, .refused([]), .refused([problem, problem]),
    .report(LoadReport(sessions: 1, connections: 2, stanzas: 3, lagMicroseconds: 4)),
    .report(LoadReport(sessions: 1, connections: 2, stanzas: 3, lagMicroseconds: 4, pools: [pool, pool])), .prepared(generation: 9),
    .rejected(generation: 9, [problem]), .operationProgress(id: 1, value), .operationReply(id: 1, .success(value)),
    .committed(generation: 3, ReloadEffects()),
    .committed(
        generation: 3,
        ReloadEffects(
            closings: [
                .init(cause: .host, subject: "gone.example", sessions: .max, others: 1),
                .init(cause: .listener, subject: "[::1]:5222", sessions: 0, others: 0),
            ], pauseMicroseconds: 7)),
    .operationReply(id: 1, .failure(code: "not-found", text: "no such account")), .stopped,
    .leaving(LeaveReport(sessions: 1, connections: 2, moved: 3, moving: 4)), .collected(slot: 64, incarnation: 9),
]

/// The one frame of these bytes.
func frame(_ bytes: [UInt8]) throws -> Frame {
    var reader = FrameReader(limit: FrameLimit.worker)
    var frames: [Frame] = []
    try reader.feed(bytes, into: &frames)
    #expect(frames.count == 1 && reader.isBetweenFrames)
    return try #require(frames.first)
}

/// Every proper beginning of the payload must be refused, and so must the payload with a byte too many.
private func expectExactLength(_ frame: Frame, _ read: (Frame) throws(WireError) -> Void) {
    for end in frame.payload.startIndex..<frame.payload.endIndex {
        #expect(throws: WireError.self) { try read(Frame(kind: frame.kind, payload: frame.payload[..<end])) }
    }
    #expect(throws: WireError.trailingBytes(1)) { try read(Frame(kind: frame.kind, payload: frame.payload + [0])) }
}

@Suite(.timeLimit(.minutes(5)))
struct ContractTests {
    @Test(arguments: masterMessages) func masterMessageComesBack(message: MasterMessage) throws {
        #expect(try MasterMessage(frame(message.encoded())) == message)
    }

    @Test(arguments: workerMessages) func workerMessageComesBack(message: WorkerMessage) throws {
        #expect(try WorkerMessage(frame(message.encoded())) == message)
    }

    @Test(arguments: masterMessages) func masterMessageHasAnExactLength(message: MasterMessage) throws {
        expectExactLength(try frame(message.encoded())) { frame throws(WireError) in _ = try MasterMessage(frame) }
    }

    @Test(arguments: workerMessages) func workerMessageHasAnExactLength(message: WorkerMessage) throws {
        expectExactLength(try frame(message.encoded())) { frame throws(WireError) in _ = try WorkerMessage(frame) }
    }

    @Test func everyKindIsItsOwn() {
        let master = Set(masterMessages.map(\.kind)), worker = Set(workerMessages.map(\.kind))
        #expect(master == Set(1...14))
        #expect(worker == Set(101...112))
        #expect(master.isDisjoint(with: worker))
        for message in masterMessages {
            #expect(throws: WireError.unknownKind(message.kind)) { try WorkerMessage(frame(message.encoded())) }
        }
    }

    @Test func descriptorsTravelWithThree() {
        #expect(masterMessages.filter(\.carriesDescriptor).map(\.kind) == [2, 3, 4])
    }

    @Test func anUnknownListenerKindIsRefused() throws {
        let listener = ListenerDescriptor(index: 0, kind: .client, position: 0, address: "::", port: 1, transport: .udp)
        var frame = try frame(MasterMessage.listener(listener).encoded())
        #expect(try MasterMessage(frame) == .listener(listener))
        frame.payload[frame.payload.endIndex - 1] = 98
        #expect(throws: WireError.unknownTag(98)) { try MasterMessage(frame) }
        frame.payload[frame.payload.startIndex + 2] = 99
        #expect(throws: WireError.unknownTag(99)) { try MasterMessage(frame) }
    }

    /// Bytes changed at random never crash the reader; what they give is a message or an error.
    @Test func damagedMessagesAreErrorsNotCrashes() throws {
        var generator = SplitMix(state: 42)
        for message in workerMessages {
            let whole = try frame(message.encoded())
            for _ in 0..<200 where !whole.payload.isEmpty {
                var damaged = Frame(kind: whole.kind, payload: whole.payload)
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let place = Int.random(in: damaged.payload.startIndex..<damaged.payload.endIndex, using: &generator)
                    damaged.payload[place] = UInt8.random(in: 0...255, using: &generator)
                }
                do throws(WireError) { _ = try WorkerMessage(damaged) } catch { #expect(!error.description.isEmpty) }
            }
        }
    }
}

/// A small generator with a seed, so that a failure repeats.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
