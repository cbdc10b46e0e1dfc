internal import IPC
internal import Supervision

extension MasterState {
    func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: bundle.text.count + 4_096)
        writer.uint16(Self.version)
        writer.string(program)
        writer.bundle(bundle)
        writer.uint32(generation)
        writer.string(logLevel)
        writer.int64(started)
        writer.int32(control)
        writer.int32(segment)
        writer.list(locks) {
            $0.string($1.path)
            $0.int32($1.descriptor)
        }
        writer.list(listeners) { writer, listener in
            writer.setting(listener.setting)
            writer.listener(listener.descriptor)
            writer.list(listener.sockets) { $0.int32($1) }
            writer.bool(listener.isHanded)
        }
        writer.memory(memory)
        writer.list(workers) { writer, worker in
            writer.uint8(worker.slot)
            writer.uint32(worker.incarnation)
            writer.int32(worker.pid)
            writer.int64(worker.started)
            writer.int32(worker.channel)
            writer.data(worker.unread)
        }
        writer.list(clients) { writer, client in
            writer.int32(client.connection)
            writer.data(client.unread)
            writer.list(client.pending) { $0.uint64($1) }
        }
        writer.list(relays) { writer, relay in
            writer.uint64(relay.id)
            writer.uint32(relay.client)
            writer.uint64(relay.request)
            writer.uint8(relay.slot)
            writer.uint32(relay.incarnation)
        }
        writer.uint64(lastRelay)
        writer.list(answer.map { [$0] } ?? []) { writer, answer in
            writer.uint32(answer.client)
            writer.uint64(answer.request)
            writer.value(answer.result)
        }
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let version = try reader.uint16()
        guard version == Self.version else { throw .unknownKind(version) }
        program = try reader.string()
        bundle = try reader.bundle()
        generation = try reader.uint32()
        logLevel = try reader.string()
        started = try reader.int64()
        control = try reader.int32()
        segment = try reader.int32()
        locks = []
        for _ in 0..<(try reader.count(ofSize: 8)) { locks.append(Lock(path: try reader.string(), descriptor: try reader.int32())) }
        listeners = []
        for _ in 0..<(try reader.count(ofSize: 30)) {
            let setting = try reader.setting(), descriptor = try reader.listener()
            var sockets: [Int32] = []
            for _ in 0..<(try reader.count(ofSize: 4)) { sockets.append(try reader.int32()) }
            listeners.append(
                Listener(setting: setting, descriptor: descriptor, sockets: sockets, isHanded: try reader.bool()))
        }
        memory = try reader.memory()
        workers = []
        for _ in 0..<(try reader.count(ofSize: 25)) {
            workers.append(
                Child(
                    slot: try reader.uint8(), incarnation: try reader.uint32(), pid: try reader.int32(),
                    started: try reader.int64(),
                    channel: try reader.int32(), unread: Array(try reader.data())))
        }
        clients = []
        for _ in 0..<(try reader.count(ofSize: 12)) {
            let connection = try reader.int32(), unread = Array(try reader.data())
            var pending: [UInt64] = []
            for _ in 0..<(try reader.count(ofSize: 8)) { pending.append(try reader.uint64()) }
            clients.append(Client(connection: connection, unread: unread, pending: pending))
        }
        relays = []
        for _ in 0..<(try reader.count(ofSize: 25)) {
            relays.append(
                Relay(
                    id: try reader.uint64(), client: try reader.uint32(), request: try reader.uint64(), slot: try reader.uint8(),
                    incarnation: try reader.uint32()))
        }
        lastRelay = try reader.uint64()
        answer = nil
        for _ in 0..<(try reader.count(ofSize: 13)) {
            answer = Answer(client: try reader.uint32(), request: try reader.uint64(), result: try reader.value())
        }
        try reader.end()
    }
}

extension ByteWriter {
    fileprivate mutating func list<Element>(_ elements: [Element], _ write: (inout ByteWriter, Element) -> Void) {
        count(elements.count)
        for element in elements { write(&self, element) }
    }

    fileprivate mutating func setting(_ setting: ListenerSetting) {
        uint8(setting.kind.rawValue)
        string(setting.path)
        uint32(UInt32(clamping: setting.position))
        string(setting.address)
        uint16(setting.port)
        uint8(setting.transport.rawValue)
        int32(setting.backlog)
        uint32(UInt32(clamping: setting.acceptors))
        bool(setting.isShared)
    }

    fileprivate mutating func memory(_ memory: SupervisorSnapshot) {
        uint8(memory.wanted)
        list(memory.places) { writer, place in
            writer.uint8(place.slot)
            writer.uint32(place.incarnation)
            writer.uint8(place.state.rawValue)
            writer.optional(place.since)
        }
        list(memory.posts) { writer, post in
            writer.uint8(post.number)
            writer.uint8(post.activeSlot)
            writer.uint32(post.starts)
            writer.bool(post.hasServed)
            writer.uint32(post.consecutiveFailures)
            writer.list(post.crashStreak.map { [$0] } ?? []) { $0.crashStreak($1) }
        }
        list(memory.orphans) { writer, dead in
            writer.uint8(dead.slot)
            writer.uint32(dead.incarnation)
        }
    }

    private mutating func crashStreak(_ crashStreak: CrashStreak) {
        uint32(UInt32(clamping: crashStreak.count))
        int64(crashStreak.first)
        int64(crashStreak.last)
        let (tag, number): (UInt8, Int32) =
            switch crashStreak.lastExit {
            case nil: (0, 0)
            case .status(let status): (1, status)
            case .signal(let signal): (2, signal)
            }
        uint8(tag)
        int32(number)
        optional(crashStreak.nextStart)
    }

    private mutating func optional(_ number: Int64?) {
        bool(number != nil)
        int64(number ?? 0)
    }
}

extension ByteReader {
    fileprivate mutating func setting() throws(WireError) -> ListenerSetting {
        let kind = try uint8()
        guard let kind = ListenerDescriptor.Kind(rawValue: kind) else { throw .unknownTag(kind) }
        let path = try string(), position = Int(try uint32()), address = try string(), port = try uint16()
        let transport = try uint8()
        guard let transport = ListenerDescriptor.Transport(rawValue: transport) else { throw .unknownTag(transport) }
        return ListenerSetting(
            kind: kind, path: path, position: position, address: address, port: port, transport: transport, backlog: try int32(),
            acceptors: Int(try uint32()), isShared: try bool())
    }

    fileprivate mutating func memory() throws(WireError) -> SupervisorSnapshot {
        var memory = SupervisorSnapshot(wanted: try uint8(), places: [], posts: [], orphans: [])
        for _ in 0..<(try count(ofSize: 15)) {
            let slot = try uint8(), incarnation = try uint32(), tag = try uint8()
            guard let state = SupervisorSnapshot.Place.State(rawValue: tag) else { throw .unknownTag(tag) }
            memory.places.append(.init(slot: slot, incarnation: incarnation, state: state, since: try optional()))
        }
        for _ in 0..<(try count(ofSize: 15)) {
            var post = SupervisorSnapshot.Post(
                number: try uint8(), activeSlot: try uint8(), starts: try uint32(), hasServed: try bool(),
                consecutiveFailures: try uint32(),
                crashStreak: nil)
            for _ in 0..<(try count(ofSize: 34)) { post.crashStreak = try crashStreak() }
            memory.posts.append(post)
        }
        for _ in 0..<(try count(ofSize: 5)) {
            memory.orphans.append(WorkerName(slot: try uint8(), incarnation: try uint32()))
        }
        return memory
    }

    private mutating func crashStreak() throws(WireError) -> CrashStreak {
        let count = Int(try uint32()), first = try int64(), last = try int64(), tag = try uint8(), number = try int32()
        let exit: Exit?
        switch tag {
        case 0: exit = nil
        case 1: exit = .status(number)
        case 2: exit = .signal(number)
        default: throw .unknownTag(tag)
        }
        return CrashStreak(count: count, first: first, last: last, lastExit: exit, nextStart: try optional())
    }

    private mutating func optional() throws(WireError) -> Int64? {
        let isThere = try bool(), number = try int64()
        return isThere ? number : nil
    }
}
