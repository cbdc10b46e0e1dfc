import Foundation
import Testing

/// The form of the code is the formatter's: `.swift-format` says which, `packaging/dev format` gives it.
@Suite("Form", .timeLimit(.minutes(2)))
struct FormTests {
    @Test("the formatter would change nothing")
    func everyFileIsFormatted() throws {
        let process = Process(), complaints = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "swift", "format", "lint", "--strict", "--parallel", "--recursive", "Package.swift", "Sources", "Tests",
        ]
        process.currentDirectoryURL = SourceTree.root
        process.standardError = complaints
        try process.run()
        let output = try complaints.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        #expect(
            process.terminationStatus == 0 && lines.isEmpty,
            "packaging/dev format mends: \(lines.prefix(20).joined(separator: "\n"))")
    }
}
