import Kernel
import Modules
import Testing

@Suite("The README tells the truth", .timeLimit(.minutes(5)))
struct ReadmeTests {
    private let rows: [[String]]

    init() throws {
        let text = try #require(SourceTree.text("README.md"))
        rows = text.split(separator: "\n").filter { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
        }
    }

    @Test("every room has its row")
    func roomsAreListed() throws {
        let listed = Set(rows.compactMap(\.first).flatMap { $0.split { "`, ".contains($0) }.map(String.init) })
        for room in Room.all { #expect(listed.contains(room.name), "\(room.name) has no row in README.md") }
        for target in try Manifest().dependencies.keys where !SourceTree.folders(in: "Tests").contains(target) {
            #expect(listed.contains(target), "\(target) of Package.swift has no row in README.md")
        }
    }

    /// The rows are what the modules declare, in the order of their numbers.
    @Test("the list of XEPs is what the modules declare")
    func specificationsAreDeclared() {
        let declared = Catalog.modules.flatMap { module in
            module.implements.map { ($0.number, "\($0.name) | \($0.version) | `\(module.name)`") }
        }
        let expected = declared.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { number, rest in
            "| [\(padded(number))](https://xmpp.org/extensions/xep-\(padded(number)).html) | \(rest) |"
        }
        let listed = rows.filter { $0.first?.hasPrefix("[0") == true }.map { "| \($0.joined(separator: " | ")) |" }
        #expect(listed == expected, "the rows should be:\n\(expected.joined(separator: "\n"))")
    }

    private func padded(_ number: Int) -> String {
        String(repeating: "0", count: max(0, 4 - "\(number)".count)) + "\(number)"
    }
}
