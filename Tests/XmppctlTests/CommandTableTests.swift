import ArgumentParser
import Foundation
import Operations
import Testing

import struct Operations.Operation

@testable import xmppctl

/// The commands and the table of verbs say the same.
@Suite(.timeLimit(.minutes(5)))
struct CommandTableTests {
    private struct Tool: Decodable { var command: Command }

    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable { var kind: String, name: String }
            var kind: String
            var isOptional: Bool
            var names: [Name]?
            var valueName: String?
            var abstract: String?

            /// Its name in the table.
            var word: String { names?.first { $0.kind == "long" }?.name ?? valueName ?? "" }
        }

        var commandName: String
        var abstract: String?
        var subcommands: [Command]?
        var arguments: [Argument]?

        /// Commands without subcommands, by the words that lead to them.
        func leaves(_ words: [String] = []) -> [(words: [String], command: Command)] {
            guard let subcommands else { return [(words, self)] }
            return subcommands.filter { $0.commandName != "help" }.flatMap { $0.leaves(words + [$0.commandName]) }
        }
    }

    private let leaves: [(words: [String], command: Command)]

    init() throws {
        leaves = try JSONDecoder().decode(Tool.self, from: Data(ControlCommand._dumpHelp().utf8)).command.leaves()
    }

    @Test func everyVerbIsACommandAndTheOtherWayRound() {
        #expect(Set(leaves.map(\.words)) == Set(OperationCatalog.all.map(\.words)))
    }

    @Test(arguments: OperationCatalog.all)
    func aCommandHasTheArgumentsOfItsVerb(_ operation: Operation) throws {
        let command = try #require(leaves.first { $0.words == operation.words }?.command)
        #expect(command.abstract == operation.sentence)
        let ofAll = ["socket", "timeout", "json", "help", "version"]
        let arguments = (command.arguments ?? []).filter { !ofAll.contains($0.word) }
        #expect(arguments.map(\.word).sorted() == operation.arguments.map(\.name).sorted())
        for argument in operation.arguments {
            let found = try #require(arguments.first { $0.word == argument.name })
            #expect(found.abstract == argument.sentence, "\(argument.name)")
            let kind = argument.form == .positional ? "positional" : argument.kind == .flag ? "flag" : "option"
            #expect(found.kind == kind, "\(argument.name)")
            // A secret that is left out is asked for.
            let isOptional = argument.presence != .required || argument.kind == .secret
            #expect(found.isOptional == isOptional, "\(argument.name)")
        }
    }

    @Test(arguments: OperationCatalog.all.filter { $0.executor != .client })
    func aVerbOfTheServerHasTheOptionsOfAll(_ operation: Operation) throws {
        let command = try #require(leaves.first { $0.words == operation.words }?.command)
        let words = (command.arguments ?? []).map(\.word)
        #expect(["socket", "timeout", "json"].allSatisfy(words.contains))
    }
}
