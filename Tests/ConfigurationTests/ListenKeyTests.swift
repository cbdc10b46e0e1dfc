import Configuration
import Testing

/// What each of the keys of listeners takes, and what it does not.
@Suite(.timeLimit(.minutes(5)))
struct ListenKeyTests {
    private static let rows = ListenKeyRow.ofClients + ListenKeyRow.ofServices + ListenKeyRow.ofInterfaces

    @Test func everyKeyHasARow() {
        #expect(Self.rows.map(\.number) == Array(1...ListenKeys.names.count))
    }

    @Test(arguments: rows) func goodValues(_ row: ListenKeyRow) {
        for text in row.good {
            let found = problems(least + text)
            #expect(found.isEmpty, "\(ListenKeys.names[row.number - 1])\n\(text)\(found.map(\.description))")
        }
    }

    /// One problem each, with its place, and with what is there and what should be.
    @Test(arguments: rows) func badValues(_ row: ListenKeyRow) {
        for (text, path) in row.bad {
            let found = problems(least + text)
            #expect(found.map(\.path) == [path], "\(text)\(found.map(\.description))")
            guard let problem = found.first else { continue }
            #expect(problem.line > 1 && problem.column > 0, "\(problem)")
            #expect(!problem.expected.isEmpty, "\(problem)")
        }
    }
}
