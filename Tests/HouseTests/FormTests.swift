import Foundation
import Testing

/// The form of the code is the formatter's: `.swift-format` says which, `packaging/dev format` gives it.
@Suite("Form", .timeLimit(.minutes(2)))
struct FormTests {
    /// What the formatter had nothing to say about when it was last asked, a line for each file. A build of the tree is enough
    /// of a place for it: whoever has none asks about every file.
    private static let known = SourceTree.root.appending(path: ".build/form-of-files")

    /// The lines of `known` for the files as they are, by their paths, under the rules as they are.
    private func states() throws -> [String: String] {
        let rules = try state(of: ".swift-format")
        let files = ["Sources", "Tests"].flatMap { SourceTree.files(under: $0, ["swift"]) }.map(\.path)
        return Dictionary(
            uniqueKeysWithValues: try (files + ["Package.swift"]).map { ($0, "\($0) \(try state(of: $0)) \(rules)") })
    }

    /// Its size and when it was last written.
    private func state(of path: String) throws -> String {
        let facts = try FileManager.default.attributesOfItem(atPath: SourceTree.root.appending(path: path).path)
        return "\(facts[.size] ?? 0) \((facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0)"
    }

    @Test("the formatter would change nothing")
    func everyFileIsFormatted() throws {
        let states = try states()
        let known = Set((try? String(contentsOf: Self.known, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? [])
        let unknown = states.filter { !known.contains($1) }.keys.sorted()
        guard !unknown.isEmpty else { return }
        let process = Process(), complaints = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["swift", "format", "lint", "--strict", "--parallel"] + unknown
        process.currentDirectoryURL = SourceTree.root
        process.standardError = complaints
        try process.run()
        let output = try complaints.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        #expect(
            process.terminationStatus == 0 && lines.isEmpty,
            "packaging/dev format mends: \(lines.prefix(20).joined(separator: "\n"))")
        guard process.terminationStatus == 0, lines.isEmpty else { return }
        try states.values.sorted().joined(separator: "\n").write(to: Self.known, atomically: true, encoding: .utf8)
    }
}
