import IPC
import Testing

@testable import Operations

@Suite(.timeLimit(.minutes(5)))
struct ShapeTests {
    private let shape = Operation.Shape.object([
        .init("rows", .list(.object([.init("name", .text, "."), .init("size", .integer, optional: true, ".")])), "."),
        .init("more", .flag, "."),
    ])

    @Test(
        arguments: [
            ["rows": [], "more": false], ["more": true, "rows": [["name": "a"], ["name": "b", "size": 2, "else": 1.5]]],
            ["rows": [["name": "a", "size": nil]], "more": false, "else": nil],
        ] as [Value])
    func fits(_ value: Value) { #expect(shape.mismatch(of: value) == nil) }

    @Test(
        arguments: [
            (nil, "the result: expected an object"), (["rows": []], "more: expected true or false"),
            (["rows": ["a"], "more": true], "rows[0]: expected an object"),
            (["rows": [["name": "a"], ["name": 1]], "more": true], "rows[1].name: expected a text"),
            (["rows": [["name": "a", "size": "b"]], "more": true], "rows[0].size: expected a whole number"),
            (["rows": nil, "more": true], "rows: expected a list"),
        ] as [(Value, String)])
    func namesTheFirstMismatch(_ value: Value, _ mismatch: String) { #expect(shape.mismatch(of: value) == mismatch) }

    @Test func nothingIsFitByAnything() { #expect(Operation.Shape.nothing.mismatch(of: ["pid": 1]) == nil) }
}
