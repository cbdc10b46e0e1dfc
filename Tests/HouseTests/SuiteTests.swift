import Testing

/// What holds of every suite of tests.
@Suite("Suites of tests", .timeLimit(.minutes(1)))
struct SuiteTests {
    private static let words = ["struct ", "class ", "final class "]

    private static func isSuiteName(_ line: Substring) -> Bool {
        line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.contains { $0.hasSuffix("Tests") }
    }

    @Test("each has a limit of time, so that none waits for ever")
    func limits() {
        let files = SourceTree.files(under: "Tests", ["swift"])
        #expect(files.count > 100)
        for file in files {
            let lines = file.lines
            for (number, line) in lines.enumerated() {
                let isSuite = line.hasPrefix("@Suite")
                let isNamedSo = Self.words.contains { line.hasPrefix($0) } && Self.isSuiteName(line)
                guard isSuite || isNamedSo else { continue }
                // The attribute and what it stands before, or the other way round.
                let place = isSuite ? lines[number...].prefix(6) : lines[..<number].suffix(6) + [line]
                #expect(
                    place.contains { $0.contains(".timeLimit(.minutes(") },
                    "\(file.path):\(number + 1): \(line) needs .timeLimit(.minutes(5))")
            }
        }
    }
}
