import Foundation
import IPC
import Testing

@testable import xmppctl

@Suite(.timeLimit(.minutes(5)))
struct RenderingTests {
    @Test(
        arguments: [
            (nil, "null"), (true, "true"), (-7, "-7"), (.int(.max), "9223372036854775807"), (1.5, "1.5"), (.double(.nan), "null"),
            (.double(-.infinity), "null"), ([], "[]"), ([:], "{}"), ("", "\"\""),
            ("a\"b\\c\n\t\r\u{0}\u{1F}\u{7F}ä😀", "\"a\\\"b\\\\c\\n\\t\\r\\u0000\\u001f\\u007fä😀\""),
            ([1, [2]], "[\n  1,\n  [\n    2\n  ]\n]"),
            (["a": 1, "b": ["c": []]], "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": []\n  }\n}"),
        ] as [(Value, String)])
    func json(_ value: Value, _ text: String) throws {
        #expect(JSON.text(of: value) == text)
        _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    @Test func columnsAreAligned() {
        var table = Table([.init("NAME"), .init("SIZE", .right), .init("NOTE")])
        table.add(["ä", "5", ""])
        table.add(["longer", "12345", "x\u{202E}y"])
        #expect(table.text == "NAME     SIZE  NOTE\nä           5\nlonger  12345  x\u{FFFD}y")
    }

    @Test(
        arguments: [
            (0, "0 s"), (59, "59 s"), (60, "1 min"), (750, "12 min 30 s"), (3_600, "1 h"), (11_100, "3 h 5 min"),
            (86_399, "23 h 59 min"),
            (792_000, "9 d 4 h"),
        ] as [(Int64, String)])
    func durations(_ seconds: Int64, _ text: String) { #expect(Quantity.duration(seconds: seconds) == text) }

    @Test(
        arguments: [(0, "0.00 s"), (1_240, "1.24 s"), (9_999, "9.99 s"), (75_300, "75.3 s"), (312_000, "5 min 12 s")]
            as [(Int64, String)])
    func processorTimes(_ milliseconds: Int64, _ text: String) {
        #expect(Quantity.processorTime(milliseconds: milliseconds) == text)
    }

    @Test(
        arguments: [
            (0, "0 KiB"), (831_488, "812 KiB"), (11_953_766, "11.4 MiB"), (1 << 30, "1.0 GiB"), (1_288_490_189, "1.2 GiB"),
        ] as [(Int64, String)])
    func memories(_ bytes: Int64, _ text: String) { #expect(Quantity.memory(bytes: bytes) == text) }

    @Test(arguments: [(85, "85 us"), (1_500, "1.5 ms"), (2_000_000, "2.0 s")] as [(Int64, String)])
    func delays(_ microseconds: Int64, _ text: String) { #expect(Quantity.delay(microseconds: microseconds) == text) }
}
