import Testing

/// A span of time is a `Duration`, or its name says in what it is counted.
@Suite("Spans of time", .timeLimit(.minutes(2)))
struct TimeTests {
    /// What a name ends with that is one of a span.
    private static let words: Set<String> = [
        "timeout", "interval", "delay", "patience", "grace", "pause", "wait", "lifetime", "duration", "farewell", "age", "expiry",
    ]
    private static let units = ["Milliseconds", "Microseconds", "Nanoseconds", "Seconds", "Minutes", "Hours", "Days"]

    /// The numbers that a line of code declares, as properties or parameters: their names, and the labels of parameters.
    private static func numbers(in line: String) -> [(label: String, name: String)] {
        let typed = line.matches(of: #/(?:(\w+)\s+)?\b(\w+)\s*:\s*(?:U?Int(?:8|16|32|64)?|CInt|Double)\b(?!\()/#)
        let literal = line.matches(of: #/\b(?:let|var)\s+(\w+)\s*=\s*-?[0-9]/#)
        return typed.map { (String($0.output.1 ?? ""), String($0.output.2)) } + literal.map { ("", String($0.output.1)) }
    }

    private static func unclear(in line: String) -> [String] {
        numbers(in: line).filter { number in
            words.contains(lastWord(of: number.name)) && !units.contains { number.label.hasSuffix($0) }
        }.map(\.name)
    }

    /// `timeout` of `connectTimeout`.
    private static func lastWord(of name: String) -> String {
        let start = name.lastIndex { $0.isUppercase } ?? name.startIndex
        return name[start...].lowercased()
    }

    @Test("a number that is one has its unit in its name")
    func unitsAreNamed() {
        let beginnings = Self.words.map { String($0.dropFirst()) }
        for file in SourceTree.files(under: "Sources", ["swift"]) {
            for word in beginnings where file.has(word) {
                for (number, line) in file.code(with: word) {
                    let names = Self.unclear(in: line).filter { $0.hasSuffix(word) }
                    #expect(names.isEmpty, "\(file.path):\(number): \(names.joined(separator: ", ")) of which unit?")
                }
            }
        }
    }

    @Test(
        "such a number is found in each form of its declaration, and nothing else is",
        arguments: [
            ("    static let farewell: Int64 = 750", ["farewell"]), ("var connectTimeout = 60", ["connectTimeout"]),
            ("func claim(_ address: String, now: Int64, interval: Int64) -> Bool {", ["interval"]),
            ("func refill(_ slot: Int, after delay: Int64?) {", ["delay"]), ("case waits(delay: UInt32)", ["delay"]),
            ("private static var pause: CInt {", ["pause"]),
            ("func claim(intervalSeconds interval: Int64) {", []), ("let timeoutMilliseconds: Int64", []),
            ("let page: Int, message: Int, usage = 64", []), ("let timeout: Duration", []),
            ("var timeout = Duration.seconds(1)", []),
            ("levels.take(wait: Int64(3), delay: 4)", []),
        ] as [(String, [String])])
    func forms(line: String, names: [String]) {
        #expect(Self.unclear(in: line) == names)
    }
}
