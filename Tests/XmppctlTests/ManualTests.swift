import ArgumentParser
import Foundation
import IPC
import Operations
import Testing

import struct Operations.Operation

@testable import xmppctl

/// Help, manual pages and completions follow the commands.
@Suite(.timeLimit(.minutes(5)))
struct ManualTests {
    private static let commands: [[String]] = [[], ["account"], ["session"], ["config"]] + OperationCatalog.all.map(\.words)

    @Test(arguments: commands)
    func theHelpIsThatOfItsSnapshot(_ words: [String]) throws {
        let help = try #require(Self.help(words))
        let name = (["xmppctl"] + words + ["help"]).joined(separator: "-")
        #expect(try help == Repository.snapshot("Tests/Snapshots/\(name).txt", of: help))
        for line in help.split(separator: "\n") where !line.hasPrefix("USAGE") { #expect(line.count <= 80) }
    }

    /// As for a terminal of 80 columns.
    private static func help(_ words: [String]) -> String? {
        var type: any ParsableCommand.Type = ControlCommand.self
        for word in words {
            guard let next = type.configuration.subcommands.first(where: { $0.configuration.commandName == word }) else {
                return nil
            }
            type = next
        }
        return ControlCommand.helpMessage(for: type, columns: 80)
    }

    @Test(arguments: OperationCatalog.all)
    func theManualHasEveryCommandWithItsArguments(_ operation: Operation) throws {
        let manual = try Repository.text("man/xmppctl.8").split(separator: "\n").map(String.init)
        let command = "Cm " + operation.words.joined(separator: " ")
        let start = try #require(
            manual.indices.dropFirst().first { index in
                let line = manual[index]
                return line == ".It " + command || line.hasPrefix(".It \(command) ")
                    || (line == ".\(command)" && manual[index - 1] == ".It Xo")
            })
        let section = manual[start...].dropFirst().prefix { !$0.hasPrefix(".Sh") && !$0.hasPrefix(".It Cm") && $0 != ".It Xo" }
        let text = ([manual[start]] + section).joined(separator: "\n")
        for argument in operation.arguments {
            switch (argument.form, argument.kind) {
            case (.named, _): #expect(text.contains("Fl -\(argument.name)"), "\(argument.name)")
            case (.positional, .choice(let choices)): #expect(choices.allSatisfy(text.contains), "\(argument.name)")
            case (.positional, _): #expect(text.contains("Ar \(argument.name)"), "\(argument.name)")
            }
        }
    }

    @Test func theManualHasWhatAllCommandsHave() throws {
        let manual = try Repository.text("man/xmppctl.8")
        for option in ["socket", "timeout", "json"] { #expect(manual.contains(".It Fl -\(option)")) }
        for variable in ["XMPPD_CONTROL_SOCKET", "XMPPD_PROGRAM"] { #expect(manual.contains(".It Ev \(variable)")) }
        for status in [0, 1, 64, 69, 78] { #expect(manual.contains("\n.It \(status)\n")) }
        #expect(manual.contains(ControlConnection.defaultSocket))
    }

    /// References to manuals that this machine has not installed are no fault of the page.
    @Test(.enabled(if: access("/usr/bin/mandoc", X_OK) == 0), arguments: ["xmppctl.8", "xmppd.8", "xmppd.toml.5"])
    func mandocFindsNothing(_ page: String) throws {
        let path = Repository.root.appending(path: "man/\(page)").path(percentEncoded: false)
        let lines = try program("/usr/bin/mandoc", ["-T", "lint", "-W", "style", path]).output.split(separator: "\n")
        #expect(lines.filter { !$0.contains("referenced manual not found") && !$0.contains("outdated mandoc.db") } == [])
    }

    /// What `man -l` prints, at the width of a terminal.
    @Test(
        .enabled(if: access("/usr/bin/man", X_OK) == 0 && access("/usr/bin/groff", X_OK) == 0),
        arguments: ["xmppctl.8", "xmppd.8", "xmppd.toml.5"])
    func manWarnsOfNothing(_ page: String) throws {
        let path = Repository.root.appending(path: "man/\(page)").path(percentEncoded: false)
        let command = "MANWIDTH=80 man --warnings -E UTF-8 -l \"$0\" 2>&1 >/dev/null"
        #expect(try program("/bin/sh", ["-c", command, path]).output == "")
    }
}
