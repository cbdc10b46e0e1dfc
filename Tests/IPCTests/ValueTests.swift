import Testing

@testable import IPC

@Suite(.timeLimit(.minutes(5)))
struct ValueTests {
    private func encode(_ value: Value) -> [UInt8] {
        var writer = ByteWriter()
        writer.value(value)
        return writer.bytes
    }

    private func decode(_ bytes: [UInt8]) throws(WireError) -> Value {
        var reader = ByteReader(bytes)
        let value = try reader.value()
        try reader.end()
        return value
    }

    private func nested(_ depth: Int) -> Value { (0..<depth).reduce(Value.null) { inner, _ in [inner] } }

    @Test(arguments: [
        Value.null, true, false, .int(.min), .int(.max), 0.1, .double(.infinity), "", "\u{1F600}\0", [], [nil, [nil]],
        .object([]), .object([.init("a", 1), .init("a", 2), .init("", ["x": "y"])]),
    ])
    func comesBack(value: Value) throws {
        let bytes = encode(value)
        #expect(try decode(bytes) == value)
        for end in 0..<bytes.count { #expect(throws: WireError.truncated) { try decode(Array(bytes[..<end])) } }
    }

    @Test func depthIsBoundedBothWays() throws {
        #expect(try decode(encode(nested(Value.depthLimit))) == nested(Value.depthLimit))
        #expect(try decode(encode(nested(Value.depthLimit + 5))) == nested(Value.depthLimit))
        let hostile = [UInt8](repeating: 0, count: 100_000).flatMap { _ in [6, 1, 0, 0, 0] as [UInt8] }
        #expect(throws: WireError.tooDeep) { try decode(hostile) }
    }

    @Test(arguments: [6, 7, 5] as [UInt8]) func aHostileCountIsTruncation(tag: UInt8) {
        #expect(throws: WireError.truncated) { try decode([tag, 255, 255, 255, 255, 0]) }
    }

    @Test func textIsUTF8() {
        #expect(throws: WireError.invalidText) { try decode([5, 2, 0, 0, 0, 0xC3, 0x28]) }
        #expect(throws: WireError.unknownTag(8)) { try decode([8]) }
    }

    @Test func accessorsAnswerForTheirCaseOnly() {
        let value: Value = ["n": 3, "s": "x", "b": true, "a": [1], "d": 1.5]
        #expect(value["n"]?.int == 3 && value["n"]?.double == 3 && value["n"]?.string == nil)
        #expect(value["s"]?.string == "x" && value["s"]?.bool == nil)
        #expect(value["b"]?.bool == true && value["a"]?.array == [1] && value["d"]?.double == 1.5)
        #expect(value["missing"] == nil && Value.null["n"] == nil && value.members?.count == 5)
    }
}
