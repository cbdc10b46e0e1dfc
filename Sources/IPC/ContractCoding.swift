extension MasterMessage {
    /// Whether a descriptor travels with this message.
    public var carriesDescriptor: Bool { Self.carriesDescriptor(kind: kind) }

    public static func carriesDescriptor(kind: UInt16) -> Bool { (2...4).contains(kind) }

    /// The number in the frame.
    public var kind: UInt16 {
        switch self {
        case .configure: 1
        case .segment: 2
        case .listener: 3
        case .mesh: 4
        case .meshGone: 5
        case .start: 6
        case .prepare: 7
        case .commit: 8
        case .abort: 9
        case .stop: 10
        case .operation: 11
        case .logLevel: 12
        case .drain: 13
        case .collectOrphans: 14
        }
    }

    /// The bytes of the message's frame.
    public func encoded() -> [UInt8] {
        Frame.encode(kind: kind) { writer in
            switch self {
            case .segment, .start: break
            case .configure(let bundle): writer.bundle(bundle)
            case .listener(let listener): writer.listener(listener)
            case .mesh(let slot, let incarnation), .meshGone(let slot, let incarnation),
                .collectOrphans(let slot, let incarnation):
                writer.uint8(slot)
                writer.uint32(incarnation)
            case .prepare(let generation, let bundle, let workers, let listeners):
                writer.uint32(generation)
                writer.bundle(bundle)
                writer.uint8(workers)
                writer.count(listeners.count)
                for listener in listeners { writer.listener(listener) }
            case .commit(let generation), .abort(let generation): writer.uint32(generation)
            case .stop(let deadline): writer.uint32(deadline)
            case .drain(let successor, let deadline):
                writer.uint8(successor)
                writer.uint32(deadline)
            case .operation(let id, let verb, let arguments):
                writer.uint64(id)
                writer.string(verb)
                writer.value(arguments)
            case .logLevel(let level): writer.string(level)
            }
        }
    }

    public init(_ frame: Frame) throws(WireError) {
        var reader = ByteReader(frame.payload)
        self = try Self.read(frame.kind, &reader)
        try reader.end()
    }

    private static func read(_ kind: UInt16, _ reader: inout ByteReader) throws(WireError) -> MasterMessage {
        switch kind {
        case 1: .configure(try reader.bundle())
        case 2: .segment
        case 3: .listener(try reader.listener())
        case 4: .mesh(slot: try reader.uint8(), incarnation: try reader.uint32())
        case 5: .meshGone(slot: try reader.uint8(), incarnation: try reader.uint32())
        case 6: .start
        case 7:
            .prepare(
                generation: try reader.uint32(), try reader.bundle(), workers: try reader.uint8(), listeners: try reader.listeners()
            )
        case 8: .commit(generation: try reader.uint32())
        case 9: .abort(generation: try reader.uint32())
        case 10: .stop(deadlineMilliseconds: try reader.uint32())
        case 11: .operation(id: try reader.uint64(), verb: try reader.string(), arguments: try reader.value())
        case 12: .logLevel(try reader.string())
        case 13: .drain(successor: try reader.uint8(), deadlineMilliseconds: try reader.uint32())
        case 14: .collectOrphans(slot: try reader.uint8(), incarnation: try reader.uint32())
        default: throw .unknownKind(kind)
        }
    }
}

extension WorkerMessage {
    /// The number in the frame. No number is also one of the master's, so a message gone astray is noticed.
    public var kind: UInt16 {
        switch self {
        case .hello: 101
        case .ready: 102
        case .refused: 103
        case .report: 104
        case .prepared: 105
        case .rejected: 106
        case .operationProgress: 107
        case .operationReply: 108
        case .stopped: 109
        case .leaving: 110
        case .collected: 111
        case .committed: 112
        }
    }

    /// The bytes of the message's frame.
    public func encoded() -> [UInt8] {
        Frame.encode(kind: kind) { writer in
            switch self {
            case .ready, .stopped: break
            case .hello(let hello):
                writer.uint16(hello.version)
                writer.int32(hello.pid)
                writer.uint8(hello.slot)
                writer.uint32(hello.incarnation)
            case .refused(let problems): writer.problems(problems)
            case .report(let load):
                writer.uint32(load.sessions)
                writer.uint32(load.connections)
                writer.uint64(load.stanzas)
                writer.uint32(load.lagMicroseconds)
                writer.pools(load.pools)
            case .prepared(let generation): writer.uint32(generation)
            case .leaving(let report):
                writer.uint32(report.sessions)
                writer.uint32(report.connections)
                writer.uint32(report.moved)
                writer.uint32(report.moving)
            case .collected(let slot, let incarnation):
                writer.uint8(slot)
                writer.uint32(incarnation)
            case .committed(let generation, let effects):
                writer.uint32(generation)
                writer.effects(effects)
            case .rejected(let generation, let problems):
                writer.uint32(generation)
                writer.problems(problems)
            case .operationProgress(let id, let value):
                writer.uint64(id)
                writer.value(value)
            case .operationReply(let id, let result):
                writer.uint64(id)
                writer.result(result)
            }
        }
    }

    public init(_ frame: Frame) throws(WireError) {
        var reader = ByteReader(frame.payload)
        self = try Self.read(frame.kind, &reader)
        try reader.end()
    }

    private static func read(_ kind: UInt16, _ reader: inout ByteReader) throws(WireError) -> WorkerMessage {
        switch kind {
        case 101:
            .hello(
                Hello(
                    version: try reader.uint16(), pid: try reader.int32(), slot: try reader.uint8(),
                    incarnation: try reader.uint32()))
        case 102: .ready
        case 103: .refused(try reader.problems())
        case 104:
            .report(
                LoadReport(
                    sessions: try reader.uint32(), connections: try reader.uint32(), stanzas: try reader.uint64(),
                    lagMicroseconds: try reader.uint32(), pools: try reader.pools()))
        case 105: .prepared(generation: try reader.uint32())
        case 106: .rejected(generation: try reader.uint32(), try reader.problems())
        case 107: .operationProgress(id: try reader.uint64(), try reader.value())
        case 108: .operationReply(id: try reader.uint64(), try reader.result())
        case 109: .stopped
        case 110:
            .leaving(
                LeaveReport(
                    sessions: try reader.uint32(), connections: try reader.uint32(), moved: try reader.uint32(),
                    moving: try reader.uint32()))
        case 111: .collected(slot: try reader.uint8(), incarnation: try reader.uint32())
        case 112: .committed(generation: try reader.uint32(), try reader.effects())
        default: throw .unknownKind(kind)
        }
    }
}

extension ByteWriter {
    public mutating func bundle(_ bundle: ConfigurationBundle) {
        string(bundle.path)
        data(bundle.text)
        count(bundle.files.count)
        for file in bundle.files {
            string(file.name)
            data(file.contents)
        }
    }

    public mutating func listener(_ listener: ListenerDescriptor) {
        uint16(listener.index)
        uint8(listener.kind.rawValue)
        uint16(listener.position)
        string(listener.address)
        uint16(listener.port)
        uint8(listener.transport.rawValue)
    }

    mutating func effects(_ effects: ReloadEffects) {
        count(effects.closings.count)
        for closing in effects.closings {
            uint8(closing.cause.rawValue)
            string(closing.subject)
            uint32(closing.sessions)
            uint32(closing.others)
        }
        uint32(effects.pauseMicroseconds)
    }

    mutating func problems(_ problems: [ReportedProblem]) {
        count(problems.count)
        for problem in problems {
            string(problem.file)
            uint32(problem.line)
            uint32(problem.column)
            string(problem.path)
            string(problem.text)
        }
    }

    mutating func pools(_ pools: [PoolReport]) {
        count(pools.count)
        for pool in pools {
            string(pool.kind)
            string(pool.tag)
            string(pool.host)
            uint8(pool.state.rawValue)
            uint64(pool.sinceMilliseconds)
            uint32(pool.connections)
            uint32(pool.waiting)
            uint64(pool.failures)
            string(pool.reason)
        }
    }

    mutating func result(_ result: OperationResult) {
        switch result {
        case .success(let value):
            uint8(0)
            self.value(value)
        case .failure(let code, let text):
            uint8(1)
            string(code)
            string(text)
        }
    }
}

extension ByteReader {
    public mutating func bundle() throws(WireError) -> ConfigurationBundle {
        let path = try string()
        let text = Array(try data())
        var files: [ConfigurationBundle.File] = []
        for _ in 0..<(try count(ofSize: 8)) {
            files.append(ConfigurationBundle.File(name: try string(), contents: Array(try data())))
        }
        return ConfigurationBundle(path: path, text: text, files: files)
    }

    public mutating func listener() throws(WireError) -> ListenerDescriptor {
        let index = try uint16()
        let tag = try uint8()
        guard let kind = ListenerDescriptor.Kind(rawValue: tag) else { throw .unknownTag(tag) }
        let position = try uint16(), address = try string(), port = try uint16()
        let code = try uint8()
        guard let transport = ListenerDescriptor.Transport(rawValue: code) else { throw .unknownTag(code) }
        return ListenerDescriptor(
            index: index, kind: kind, position: position, address: address, port: port, transport: transport)
    }

    mutating func listeners() throws(WireError) -> [ListenerDescriptor] {
        var listeners: [ListenerDescriptor] = []
        for _ in 0..<(try count(ofSize: 12)) { listeners.append(try listener()) }
        return listeners
    }

    mutating func effects() throws(WireError) -> ReloadEffects {
        var closings: [ReloadEffects.Closing] = []
        for _ in 0..<(try count(ofSize: 13)) {
            let tag = try uint8()
            guard let cause = ReloadEffects.Closing.Cause(rawValue: tag) else { throw .unknownTag(tag) }
            closings.append(
                .init(cause: cause, subject: try string(), sessions: try uint32(), others: try uint32()))
        }
        return ReloadEffects(closings: closings, pauseMicroseconds: try uint32())
    }

    mutating func problems() throws(WireError) -> [ReportedProblem] {
        var problems: [ReportedProblem] = []
        for _ in 0..<(try count(ofSize: 20)) {
            problems.append(
                ReportedProblem(
                    file: try string(), line: try uint32(), column: try uint32(), path: try string(), text: try string()))
        }
        return problems
    }

    mutating func pools() throws(WireError) -> [PoolReport] {
        var pools: [PoolReport] = []
        for _ in 0..<(try count(ofSize: 41)) {
            pools.append(
                PoolReport(
                    kind: try string(), tag: try string(), host: try string(), state: try poolState(),
                    sinceMilliseconds: try uint64(), connections: try uint32(), waiting: try uint32(),
                    failures: try uint64(), reason: try string()))
        }
        return pools
    }

    private mutating func poolState() throws(WireError) -> PoolReport.State {
        let tag = try uint8()
        guard let state = PoolReport.State(rawValue: tag) else { throw .unknownTag(tag) }
        return state
    }

    mutating func result() throws(WireError) -> OperationResult {
        switch try uint8() {
        case 0: .success(try value())
        case 1: .failure(code: try string(), text: try string())
        case let tag: throw .unknownTag(tag)
        }
    }
}
