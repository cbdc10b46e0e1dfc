import ArgumentParser
import Glibc

/// `xmppctl`: the administrator's words become verbs of `Operations`.
@main
enum Program {
    static func main() {
        let console = Console.standard
        exit(run(Array(CommandLine.arguments.dropFirst()), console))
    }

    /// Carries a command line out.
    /// - Parameter words: without the program's name.
    /// - Returns: the exit status.
    static func run(_ words: [String], _ console: Console) -> Int32 {
        do {
            var command = try ControlCommand.parseAsRoot(words)
            guard let subcommand = command as? any Subcommand else {
                try command.run()
                return CommandStatus.success
            }
            try subcommand.carryOut(console)
            return CommandStatus.success
        } catch let complaint as CommandError {
            if !complaint.text.isEmpty { console.complain("xmppctl: \(complaint.text)") }
            return complaint.status
        } catch {
            let status = ControlCommand.exitCode(for: error).rawValue
            let message = ControlCommand.fullMessage(for: error)
            if !message.isEmpty { status == CommandStatus.success ? console.say(message) : console.complain(message) }
            return status
        }
    }
}

/// The exit statuses, after sysexits(3).
enum CommandStatus {
    static let success: Int32 = 0
    /// The server, or this program, tried and did not succeed; or the answer to a question is no.
    static let failed: Int32 = 1
    static let usage: Int32 = 64
    /// Nobody answers, or nobody can do it now.
    static let unavailable: Int32 = 69
    static let configuration: Int32 = 78
}

/// Why a command failed: a text for people and the exit status of the program.
struct CommandError: Error, Equatable {
    /// Without the program's name; empty if all has been said.
    var text: String
    var status: Int32

    init(_ text: String, _ status: Int32 = CommandStatus.failed) {
        self.text = text
        self.status = status
    }
}

/// A command that does something, as opposed to a group of commands.
protocol Subcommand: ParsableCommand {
    func carryOut(_ console: Console) throws(CommandError)
}
