import ArgumentParser
import IPC
import Operations

struct ConfigCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Judge and explain configurations.",
        subcommands: [ConfigCheck.self, ConfigShow.self, ConfigOptions.self, ConfigImport.self])
}

/// The server's own program judges, so that nothing is accepted here that it would refuse.
struct ConfigCheck: CatalogCommand {
    static let verb = "config.check"

    @OptionGroup var arguments: VerbArguments<ConfigCheck>

    func carryOut(_ console: Console) throws(CommandError) {
        try console.become(try ServerProgram.path(console), ["--check", "--config", arguments.text("file") ?? ""])
    }
}

/// What is in force, the server says; what a file would come to, its program.
struct ConfigShow: VerbCommand {
    static let verb = "config.show"

    @OptionGroup var arguments: VerbArguments<ConfigShow>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { ConfigurationListing.settings(result) }

    func carryOut(_ console: Console) throws(CommandError) {
        guard let file = arguments.text("file") else { return try show(try server.server(console).perform(Self.verb), console) }
        let words = ["--show", "--config", file] + (output.json ? ["--json"] : [])
        try console.become(try ServerProgram.path(console), words)
    }
}

struct ConfigOptions: CatalogCommand {
    static let verb = "config.options"

    @OptionGroup var arguments: VerbArguments<ConfigOptions>
    @OptionGroup var output: OutputOptions

    func carryOut(_ console: Console) throws(CommandError) {
        let words = ["--options"] + (arguments.text("name").map { ["--name", $0] } ?? []) + (output.json ? ["--json"] : [])
        try console.become(try ServerProgram.path(console), words)
    }
}

struct ConfigImport: CatalogCommand {
    static let verb = "config.import"

    @OptionGroup var arguments: VerbArguments<ConfigImport>
    @OptionGroup var output: OutputOptions

    func carryOut(_ console: Console) throws(CommandError) {
        let words = ["--import", "--config", arguments.text("file") ?? ""] + (output.json ? ["--json"] : [])
        try console.become(try ServerProgram.path(console), words)
    }
}

struct CompletionCommand: CatalogCommand {
    static let verb = "completion"

    @OptionGroup var arguments: VerbArguments<CompletionCommand>

    func carryOut(_ console: Console) throws(CommandError) {
        if let operation = OperationCatalog.operation(Self.verb) { _ = try operation.judge(arguments.value) }
        guard let shell = arguments.text("shell").flatMap(CompletionShell.init) else {
            throw CommandError("no completion for this shell", CommandStatus.usage)
        }
        console.say(ControlCommand.completionScript(for: shell))
    }
}
