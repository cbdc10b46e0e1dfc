import Glibc
import Testing

/// Random numbers that are the same in each run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// No order of events traps, authorizes what was not proved, delivers what was not authorized, or ends a stream other than once; and
/// whoever waits for an answer gets it. `Tests/Fuzz` looks for such orders as well.
@Suite("Random events on streams between servers", .timeLimit(.minutes(5)))
struct RandomServerTests {
    private static func inputs() -> [[UInt8]] {
        var dice = Dice(state: 42)
        return (0..<2000).map { _ in (0..<60).map { _ in UInt8.random(in: 0...255, using: &dice) } }
    }

    @Test("Streams that a peer opens")
    func incoming() {
        var delivered = 0
        for input in Self.inputs() {
            let walk = IncomingWalk(input)
            #expect(walk.fault == nil, "\(input)")
            delivered += walk.delivered
        }
        #expect(delivered > 100)
    }

    @Test("Streams that we open")
    func outgoing() {
        var delivered = 0
        for input in Self.inputs() {
            let walk = OutgoingWalk(input)
            #expect(walk.fault == nil, "\(input)")
            delivered += walk.delivered
        }
        #expect(delivered > 100)
    }

    @Test("What the fuzzer has made or found")
    func corpus() throws {
        let folder =
            (#filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast() + ["..", "..", "Corpora", "server"])
            .joined(separator: "/")
        let directory = try #require(opendir(folder))
        defer { closedir(directory) }
        var read = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix("."), let file = fopen("\(folder)/\(name)", "r") else { continue }
            defer { fclose(file) }
            var bytes: [UInt8] = []
            while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
            #expect(IncomingWalk(bytes).fault == nil && OutgoingWalk(bytes).fault == nil, "\(name)")
            read += 1
        }
        #expect(read > 4)
    }
}
