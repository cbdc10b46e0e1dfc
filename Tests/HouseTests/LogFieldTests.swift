import Foundation
import Testing

@Suite("Fields of the log", .timeLimit(.minutes(5)))
struct LogFieldTests {
    @Test("xmppd(8) explains each under the name that it has in the journal, and no other")
    func fieldsAreExplained() throws {
        var names: Set<String> = ["process"]
        for file in SourceTree.files(under: "Sources", ["swift"]) {
            for line in file.lines where line.contains("Field(\"") {
                for part in String(line).components(separatedBy: "Field(\"").dropFirst() {
                    names.insert(String(part.prefix { $0 != "\"" }))
                }
            }
        }
        let manual = try #require(SourceTree.text("man/xmppd.8"))
        let explained = manual.split(separator: "\n").filter { $0.hasPrefix(".It Ev XMPPD_") }
            .flatMap { $0.split(separator: " ") }.filter { $0.hasPrefix("XMPPD_") }.map { $0.dropFirst(6).lowercased() }
        #expect(explained.sorted() == names.sorted())
    }
}
