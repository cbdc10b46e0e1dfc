import Testing

@testable import Telemetry

@Suite(.timeLimit(.minutes(5)))
struct LogLineTests {
    private let noon = Moment(seconds: 1_772_366_400, nanoseconds: 7_000_000)

    private func line(_ event: String, _ fields: [Field] = [], process: String = "worker[1]", prefixed: Bool = false) -> String {
        String(decoding: LogLine.render(at: noon, .info, process: process, event, fields, prefixed: prefixed), as: UTF8.self)
    }

    @Test func hasTimeLevelProcessEventAndFields() {
        #expect(
            line("session bound", [Field("session", 17), Field("user", "ada@example.org")])
                == "2026-03-01T12:00:00.007Z info worker[1] session bound session=17 user=ada@example.org\n")
    }

    @Test func leavesOutAnUnnamedProcess() {
        #expect(line("begun", process: "") == "2026-03-01T12:00:00.007Z info begun\n")
    }

    @Test func beginsWithThePriorityForSystemd() {
        #expect(line("begun", process: "master", prefixed: true).hasPrefix("<6>2026-"))
    }

    @Test(arguments: [
        ("", "\"\""), ("two words", "\"two words\""), ("a=b", "\"a=b\""), ("say \"x\"", "\"say \\\"x\\\"\""),
        ("back\\slash", "\"back\\\\slash\""), ("é", "é"),
    ])
    func quotesAValueWhoseEndWouldBeUnclear(value: String, written: String) {
        #expect(line("x", [Field("value", value)]).hasSuffix(" x value=\(written)\n"))
    }

    @Test(arguments: ["\n", "\r", "\0", "\u{1B}[2J", "\u{7F}"])
    func aPeerCannotBeginALine(control: String) {
        let text = line("a\(control)b", [Field("peer", "a\(control)b")]).dropLast()
        #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    }

    @Test func cutsALongLineAtACharacter() {
        for padding in 0..<4 {
            let bytes = LogLine.render(
                at: noon, .error, process: "master", String(repeating: "x", count: padding) + String(repeating: "€", count: 5_000),
                [],
                prefixed: false)
            #expect(bytes.count <= LogLine.limit)
            #expect(bytes.count > LogLine.limit - 4)
            #expect(String(validating: bytes, as: UTF8.self)?.hasSuffix("€…\n") == true)
        }
    }

    @Test func namesJournalFieldsAsTheJournalWants() {
        #expect(Journal.journalName("peer-address") == "XMPPD_PEER_ADDRESS")
        #expect(Journal.journalName(String(repeating: "a", count: 99)).utf8.count == 64)
    }
}
