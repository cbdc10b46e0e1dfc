import Foundation
import IPC

@testable import xmppctl

/// What came of a command line.
struct Run: Equatable {
    var status: Int32
    var output: String
    var errors: String
    /// The program that the command became, with its arguments.
    var became: [String] = []
}

/// The people and things around a command.
struct Circumstances {
    /// What is typed at a terminal, without echo; nil if standard input is no terminal.
    var typed: [String]?
    /// Lines of standard input.
    var input: [String] = []
    var environment: [String: String] = [:]
}

private final class Recorder {
    var output: [String] = []
    var errors: [String] = []
    var became: [String] = []
    var typed: [String] = []
    var input: [String] = []
}

/// Carries a command line out within this process.
func xmppctl(_ words: [String], _ circumstances: Circumstances = Circumstances()) -> Run {
    let recorder = Recorder()
    recorder.typed = circumstances.typed ?? []
    recorder.input = circumstances.input
    let console = Console(
        say: { recorder.output.append($0) }, complain: { recorder.errors.append($0) },
        draw: nil, isInteractive: circumstances.typed != nil,
        readSecret: { prompt in
            recorder.errors.append(prompt)
            return recorder.typed.isEmpty ? nil : recorder.typed.removeFirst()
        },
        ask: { prompt in
            recorder.errors.append(prompt)
            return recorder.typed.isEmpty ? nil : recorder.typed.removeFirst()
        },
        readLine: { recorder.input.isEmpty ? nil : recorder.input.removeFirst() },
        become: { program, words in recorder.became = [program] + words },
        environment: { circumstances.environment[$0] })
    let status = Program.run(words, console)
    return Run(
        status: status, output: recorder.output.joined(separator: "\n"), errors: recorder.errors.joined(separator: "\n"),
        became: recorder.became)
}

/// The files of the repository.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String { try String(contentsOf: root.appending(path: path), encoding: .utf8) }

    /// What a snapshot says. With `XMPPD_RECORD=1` in the environment it is written first.
    static func snapshot(_ path: String, of text: String) throws -> String {
        if ProcessInfo.processInfo.environment["XMPPD_RECORD"] == "1" {
            try Data(text.utf8).write(to: root.appending(path: path))
        }
        return try self.text(path)
    }
}

/// Runs a program to its end.
func program(_ path: String, _ words: [String]) throws -> (status: Int32, output: String) {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(filePath: path)
    process.arguments = words
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
