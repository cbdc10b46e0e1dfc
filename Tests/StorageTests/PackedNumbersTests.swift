import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(5))) struct PackedNumbersTests {
    private static let numbers: [Int64] = [0, 1, 127, 128, 16_383, 16_384, 1 << 33, .max - 1, .max, -1, .min]

    @Test func numbersComeBack() throws {
        var writer = NumberWriter(reserving: 0)
        for number in Self.numbers { writer.add(number) }
        var last: Int64 = 5
        for number in Self.numbers {
            writer.add(from: last, to: number)
            last = number
        }
        var reader = NumberReader(writer.bytes)
        for number in Self.numbers { #expect(try reader.next() == number) }
        last = 5
        for number in Self.numbers {
            last = try reader.next(from: last)
            #expect(last == number)
        }
        #expect(reader.isAtEnd)
    }

    @Test func smallNumbersAreShort() {
        var writer = NumberWriter(reserving: 0)
        writer.add(127)
        writer.add(from: 1 << 50, to: 1 << 50 - 64)
        #expect(writer.bytes.count == 2)
    }

    @Test(arguments: [[0x80], [0xff, 0xff], [UInt8](repeating: 0x80, count: 11)]) func tornOnesAreRefused(_ bytes: [UInt8]) {
        var reader = NumberReader(bytes)
        #expect(throws: StorageError.self) { try reader.next() }
        #expect(throws: StorageError.self) { try ArchiveBlock(first: 0, packed: bytes) }
        #expect(throws: StorageError.self) { try ArchiveChunk(facts: bytes, stanzas: []) }
    }

    @Test func aChunkComesBack() throws {
        var chunk = ArchiveChunk()
        chunk.add(7, .init(archive: 1, peer: 2), nil, isGroupchat: false, [1, 2, 3])
        chunk.add(5, .init(archive: 1, peer: 3), .init(archive: 3, peer: 300), isGroupchat: true, [4])
        var read = try ArchiveChunk(facts: chunk.packedFacts, stanzas: chunk.stanzas)
        #expect(read.facts.map(\.id) == [7, 5] && read.facts.map(\.isGroupchat) == [false, true])
        #expect(read.facts[1].sender == .init(archive: 1, peer: 3) && read.facts[1].recipient == .init(archive: 3, peer: 300))
        #expect(read.stanza(0) == [1, 2, 3] && read.stanza(1) == [4] && read.stanza(2) == nil)
        read.replace(0, by: [9])
        #expect(read.stanza(1) == [4])
        read.remove(1, from: 1)
        #expect(read.stanza(1) == [4] && read.facts[1].sender == nil)
        read.remove(1, from: 3)
        #expect(read.stanza(1) == nil && !read.isDead)
        read.remove(0, from: 1)
        #expect(read.isDead && read.stanzas == [])
        #expect(throws: StorageError.self) { try ArchiveChunk(facts: chunk.packedFacts, stanzas: [1]) }
    }
}
