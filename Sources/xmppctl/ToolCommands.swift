import ArgumentParser
import IPC
import Operations

struct ConfigCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Judge configuration files.", subcommands: [ConfigCheck.self])
}

/// The server's own program judges, so that nothing is accepted here that it would refuse.
struct ConfigCheck: Subcommand {
    static let verb = "config.check"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "file"), completion: .file()) var file: String

    func carryOut(_ console: Console) throws(Complaint) {
        try console.become(try ServerProgram.path(console), ["--check", "--config", file])
    }
}

struct CompletionCommand: Subcommand {
    static let verb = "completion"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "shell"), completion: .choices(of: verb, "shell")) var shell: String

    func carryOut(_ console: Console) throws(Complaint) {
        if let operation = OperationCatalog.operation(Self.verb) { _ = try operation.judge(["shell": .string(shell)]) }
        guard let shell = CompletionShell(rawValue: shell) else { throw Complaint("no completion for this shell", ExitStatus.usage) }
        console.say(ControlCommand.completionScript(for: shell))
    }
}
