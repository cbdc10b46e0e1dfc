import ArgumentParser
import IPC
import Operations

struct ConfigCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Judge and explain configurations.",
        subcommands: [ConfigCheck.self, ConfigShow.self, ConfigOptions.self, ConfigImport.self])
}

/// The server's own program judges, so that nothing is accepted here that it would refuse.
struct ConfigCheck: Subcommand {
    static let verb = "config.check"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "file"), completion: .file()) var file: String

    func carryOut(_ console: Console) throws(CommandError) {
        try console.become(try ServerProgram.path(console), ["--check", "--config", file])
    }
}

/// What is in force, the server says; what a file would come to, its program.
struct ConfigShow: VerbCommand {
    static let verb = "config.show"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "file"), completion: .file()) var file: String?

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { ConfigurationListing.settings(result) }

    func carryOut(_ console: Console) throws(CommandError) {
        guard let file else { return try show(try server.server(console).perform(Self.verb), console) }
        let words = ["--show", "--config", file] + (output.json ? ["--json"] : [])
        try console.become(try ServerProgram.path(console), words)
    }
}

struct ConfigOptions: Subcommand {
    static let verb = "config.options"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "name")) var name: String?

    @OptionGroup var output: OutputOptions

    func carryOut(_ console: Console) throws(CommandError) {
        let words = ["--options"] + (name.map { ["--name", $0] } ?? []) + (output.json ? ["--json"] : [])
        try console.become(try ServerProgram.path(console), words)
    }
}

struct ConfigImport: Subcommand {
    static let verb = "config.import"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "file"), completion: .file()) var file: String

    @OptionGroup var output: OutputOptions

    func carryOut(_ console: Console) throws(CommandError) {
        let words = ["--import", "--config", file] + (output.json ? ["--json"] : [])
        try console.become(try ServerProgram.path(console), words)
    }
}

struct CompletionCommand: Subcommand {
    static let verb = "completion"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "shell"), completion: .choices(of: verb, "shell")) var shell: String

    func carryOut(_ console: Console) throws(CommandError) {
        if let operation = OperationCatalog.operation(Self.verb) { _ = try operation.judge(["shell": .string(shell)]) }
        guard let shell = CompletionShell(rawValue: shell) else {
            throw CommandError("no completion for this shell", CommandStatus.usage)
        }
        console.say(ControlCommand.completionScript(for: shell))
    }
}
