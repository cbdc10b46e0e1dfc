// What `xmppctl` and the master say over the control socket: framed as everything else, at most `FrameLimit.control`.
// A client sends requests, one after the other or several at once; each gets any number of `progress` and then one
// `success` or `failure` with its id. Bytes that are no request get a `failure` with id 0 and code `malformed`, and the
// master closes the connection.

/// Client → master: carry out this verb. Reply: `ControlReply`.
public struct ControlRequest: Sendable, Equatable {
    /// The number of this message in its frame.
    public static let kind: UInt16 = 201

    /// Chosen by the client, not 0.
    public var id: UInt64
    /// As `account.add`.
    public var verb: String
    /// An object.
    public var arguments: Value

    public init(id: UInt64, verb: String, arguments: Value) {
        self.id = id
        self.verb = verb
        self.arguments = arguments
    }

    public func encoded() -> [UInt8] {
        Frame.encode(kind: Self.kind) { writer in
            writer.uint64(id)
            writer.string(verb)
            writer.value(arguments)
        }
    }

    public init(_ frame: Frame) throws(WireError) {
        guard frame.kind == Self.kind else { throw .unknownKind(frame.kind) }
        var reader = ByteReader(frame.payload)
        id = try reader.uint64()
        verb = try reader.string()
        arguments = try reader.value()
        try reader.end()
    }
}

/// Master → client.
public struct ControlReply: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        /// A part of the result; more replies with this id follow.
        case progress(Value)
        case result(OperationResult)
    }

    /// The number of this message in its frame.
    public static let kind: UInt16 = 202

    /// That of the request; 0 if there was no request to take it from.
    public var id: UInt64
    public var outcome: Outcome

    public init(id: UInt64, _ outcome: Outcome) {
        self.id = id
        self.outcome = outcome
    }

    public func encoded() -> [UInt8] {
        Frame.encode(kind: Self.kind) { writer in
            writer.uint64(id)
            switch outcome {
            case .progress(let value):
                writer.bool(false)
                writer.value(value)
            case .result(let result):
                writer.bool(true)
                writer.result(result)
            }
        }
    }

    public init(_ frame: Frame) throws(WireError) {
        guard frame.kind == Self.kind else { throw .unknownKind(frame.kind) }
        var reader = ByteReader(frame.payload)
        id = try reader.uint64()
        outcome = try reader.bool() ? .result(try reader.result()) : .progress(try reader.value())
        try reader.end()
    }
}
