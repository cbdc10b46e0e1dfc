// A process that works on a shared segment until it is killed, for the tests of SharedState.
//
//   SharedStateProbe once DEATH VERB BARE RESOURCE CONNECTION
//       performs one change and dies at its DEATH-th point between two stores; with 0 it lives
//   SharedStateProbe hammer SLOT INCARNATION SEED
//       changes sessions at random as long as its parent lives, and counts its changes in the cell of its slot
//
// The segment is descriptor 3. Exit status 2: wrong usage; 3: the change was refused.
import Glibc
import SharedState

func usage() -> Never { exit(2) }

func perform(
    _ verb: String, on table: SessionTable, bare: String, resource: String, connection: UInt64
) throws -> Bool {
    let record = SessionRecord(
        bare: bare, resource: resource, slot: 2, incarnation: 1, connection: connection, since: 1, address: "192.0.2.9")
    switch verb {
    case "insert": return try table.insert(record) == .inserted
    case "replace": return try table.replace(record) != nil
    case "remove": return table.remove(bare, resource: resource, owner: record.owner)
    case "update":
        return table.update(bare, resource: resource, owner: record.owner, priority: 7, flags: .available)
    case "orphans":
        var cursor = SessionCursor()
        while !cursor.isAtEnd { _ = table.takeOrphans(slot: 2, before: 9, from: &cursor) }
        return true
    default: usage()
    }
}

/// Enters a session; nobody but a dead predecessor may be in its place.
func enter(_ record: SessionRecord, _ table: SessionTable) throws {
    if case .conflict(let other) = try table.insert(record) {
        guard other.slot == record.slot, other.incarnation < record.incarnation else { exit(3) }
        try table.replace(record)
    }
}

func hammer(_ segment: SharedSegment, slot: UInt8, incarnation: UInt32, seed: UInt64) throws -> Never {
    let table = SessionTable(segment)
    let cell = WorkerCells(segment).writer(Int(slot))
    cell.begin(pid: getpid(), incarnation: incarnation, started: 0, now: 0)
    var state = seed
    func draw(_ bound: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % bound
    }
    var own: [SessionRecord] = []
    let parent = getppid()
    while getppid() == parent {
        let number = draw(300)
        if own.count < 400, draw(own.count < 200 ? 3 : 2) > 0 || own.isEmpty {
            // Half of the bare JIDs are everybody's, every ninth is long; the resource is this process's own.
            let record = SessionRecord(
                bare: (number % 2 == 0 ? "all" : "slot\(slot)-") + "\(number)@example.com",
                resource: "\(slot)." + String(repeating: "r", count: number % 9 == 0 ? Int(number) * 3 : 9),
                slot: slot, incarnation: incarnation, connection: draw(1 << 20), since: 1, address: "192.0.2.9")
            if let known = own.firstIndex(where: { $0.bare == record.bare && $0.resource == record.resource }) {
                try table.replace(record)
                own[known] = record
            } else {
                try enter(record, table)
                own.append(record)
            }
        } else {
            let record = own.remove(at: Int(draw(UInt64(own.count))))
            table.update(record.bare, resource: record.resource, owner: record.owner, priority: 1, flags: .carbons)
            guard table.remove(record.bare, resource: record.resource, owner: record.owner) else { exit(3) }
        }
        cell.add(.stanzasReceived)
    }
    exit(0)
}

let arguments = CommandLine.arguments
guard arguments.count >= 2 else { usage() }
let segment = try SharedSegment(attach: 3)
switch (arguments[1], arguments.count) {
case ("once", 7):
    guard let death = Int(arguments[2]), let connection = UInt64(arguments[6]) else { usage() }
    let table = SessionTable(segment)
    #if DEBUG
        CrashPoint.remaining = death
    #else
        guard death == 0 else { usage() }
    #endif
    let done = try perform(
        arguments[3], on: table, bare: arguments[4], resource: arguments[5], connection: connection)
    exit(done ? 0 : 3)
case ("hammer", 5):
    guard let slot = UInt8(arguments[2]), let incarnation = UInt32(arguments[3]), let seed = UInt64(arguments[4])
    else { usage() }
    try hammer(segment, slot: slot, incarnation: incarnation, seed: seed)
default:
    usage()
}
