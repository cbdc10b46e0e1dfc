// How workers keep what each key belongs to in one place, and every sender's frames for a key in order, while the worker that
// owns the key changes (DESIGN: rendezvous hashing over worker indices, under an epoch):
//
//   sender → owner: frame                    a worker that does not own the key (any more) passes it on
//   owner → sender: refused                  nobody takes it; the sender's handler is told
//   owner → sender: handled                  what the frame brought is done with (all that passed it on are told, too)
//
// When the ownership table has another epoch, which a worker sees before it does anything else with a key:
//
//   each → all others: seen                  what I send from now on goes to the owners of this epoch
//   former owner → new owner: snapshot       of each object that the worker does not own any more
//   new owner → former owner: adopted        (or declined: it cannot be made; or returned: it is not mine either)
//   each → all others: settled               all have seen the epoch: whatever was sent here for others has been passed on, and
//                                            my objects are with their new owners
//
// An owner holds what comes for keys that it has not owned all the time until all others have settled; then it handles what it
// holds in the order in which each sender numbered it. So a frame that was passed on is not overtaken by a later one that
// came directly, none is handled before the object's snapshot, and no object is made anew while its former owner has it. That
// takes two small frames from each worker to each other, however many keys and objects there are.
//
// A full mesh may refuse each message. A frame then waits with the worker that has it, bounded in number, bytes and time, and
// is refused beyond; the others are retained (`MeshOutbox`). When a party ends:
//
//   the sender                       its frames that have left it arrive
//   the owner                        its objects are lost; frames that it had not handled go back to their senders' handlers;
//                                    what comes for its keys waits with the senders for the next process
//   the former owner                 it is not waited for; objects that it had not sent are lost
//   the new owner, before `adopted`  the former one has the object still, and sends it to the next process
//   a third worker                   it is not waited for
//
// A worker that does not answer is waited for ten seconds; then order is given up with a log line.

/// A frame for the owner of a key.
public struct OwnedFrame: Sendable, Equatable {
    /// Whose handler takes it.
    public var kind: UInt8
    public var key: String
    /// The slot of the worker that sent it first.
    public var sender: UInt8
    /// Grows with each frame of the sender, and from one incarnation of it to the next.
    public var number: UInt64
    /// How often it has been passed on.
    public var hops: UInt8
    /// The handler's.
    public var payload: [UInt8]

    public init(kind: UInt8, key: String, sender: UInt8, number: UInt64, hops: UInt8 = 0, payload: [UInt8]) {
        self.kind = kind
        self.key = key
        self.sender = sender
        self.number = number
        self.hops = hops
        self.payload = payload
    }
}

/// One message about what workers own.
public enum OwnershipMessage: Sendable, Equatable {
    case frame(OwnedFrame)
    /// The frame as its sender sent it.
    case refused(OwnedFrame)
    /// Frames of a worker, by their numbers.
    case handled(sender: UInt8, numbers: [UInt64])
    case seen(epoch: UInt64)
    case settled(epoch: UInt64)
    /// `number` is the former owner's for this attempt to move the object.
    case snapshot(kind: UInt8, key: String, number: UInt64, contents: [UInt8])
    case adopted(kind: UInt8, key: String, number: UInt64)
    case declined(kind: UInt8, key: String, number: UInt64)
    case returned(kind: UInt8, key: String, number: UInt64)

    private enum Tag: UInt8 { case frame = 1, refused, seen, settled, snapshot, adopted, declined, returned, handled }

    func write(to writer: inout ByteWriter) {
        switch self {
        case .frame(let frame): Self.write(.frame, frame, to: &writer)
        case .refused(let frame): Self.write(.refused, frame, to: &writer)
        case .handled(let sender, let numbers):
            writer.uint8(Tag.handled.rawValue)
            writer.uint8(sender)
            writer.uint32(UInt32(numbers.count))
            for number in numbers { writer.uint64(number) }
        case .seen(let epoch):
            writer.uint8(Tag.seen.rawValue)
            writer.uint64(epoch)
        case .settled(let epoch):
            writer.uint8(Tag.settled.rawValue)
            writer.uint64(epoch)
        case .snapshot(let kind, let key, let number, let contents):
            Self.write(.snapshot, kind, key, number, to: &writer)
            writer.rest(contents)
        case .adopted(let kind, let key, let number): Self.write(.adopted, kind, key, number, to: &writer)
        case .declined(let kind, let key, let number): Self.write(.declined, kind, key, number, to: &writer)
        case .returned(let kind, let key, let number): Self.write(.returned, kind, key, number, to: &writer)
        }
    }

    private static func write(_ tag: Tag, _ kind: UInt8, _ key: String, _ number: UInt64, to writer: inout ByteWriter) {
        writer.uint8(tag.rawValue)
        writer.uint8(kind)
        writer.string(key)
        writer.uint64(number)
    }

    private static func write(_ tag: Tag, _ frame: OwnedFrame, to writer: inout ByteWriter) {
        write(tag, frame.kind, frame.key, frame.number, to: &writer)
        writer.uint8(frame.sender)
        writer.uint8(frame.hops)
        writer.rest(frame.payload)
    }

    init(_ reader: inout ByteReader) throws(WireError) {
        let raw = try reader.uint8()
        guard let tag = Tag(rawValue: raw) else { throw .unknownTag(raw) }
        switch tag {
        case .seen:
            self = .seen(epoch: try reader.uint64())
            return
        case .settled:
            self = .settled(epoch: try reader.uint64())
            return
        case .handled:
            let sender = try reader.uint8()
            var numbers: [UInt64] = []
            for _ in 0..<(try reader.uint32()) { numbers.append(try reader.uint64()) }
            self = .handled(sender: sender, numbers: numbers)
            return
        case .frame, .refused, .snapshot, .adopted, .declined, .returned: break
        }
        let (kind, key, number) = (try reader.uint8(), try reader.string(), try reader.uint64())
        switch tag {
        case .frame, .refused:
            let (sender, hops) = (try reader.uint8(), try reader.uint8())
            let frame = OwnedFrame(
                kind: kind, key: key, sender: sender, number: number, hops: hops, payload: Array(reader.rest()))
            self = tag == .frame ? .frame(frame) : .refused(frame)
        case .snapshot: self = .snapshot(kind: kind, key: key, number: number, contents: Array(reader.rest()))
        case .adopted: self = .adopted(kind: kind, key: key, number: number)
        case .declined: self = .declined(kind: kind, key: key, number: number)
        case .returned, .seen, .settled, .handled: self = .returned(kind: kind, key: key, number: number)
        }
    }
}
