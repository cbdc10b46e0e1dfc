import ArgumentParser
import IPC

/// The whole program: every subcommand, grouped.
struct ControlCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "xmppctl", abstract: "Control the XMPP server xmppd.",
        discussion: """
            EXAMPLES:
              xmppctl setup --domain example.org --admin ada
              xmppctl config check /etc/xmppd/xmppd.toml
              xmppctl start
              xmppctl account add ada@example.org
              xmppctl status
              xmppctl session list --domain example.org --json
              xmppctl session kick ada@example.org/phone --reason "See you later"
              xmppctl reload

            EXIT STATUS:
              0 success, 1 failure, 64 wrong usage, 69 the server does not answer,
              78 the configuration has problems. The manual xmppctl(8) says more.
            """,
        version: "xmppctl \(ServerVersion.number)",
        groupedSubcommands: [
            CommandGroup(
                name: "Server",
                subcommands: [
                    StartCommand.self, StopCommand.self, RestartCommand.self, StatusCommand.self, ReloadCommand.self,
                    LogLevelCommand.self, VersionCommand.self,
                ]),
            CommandGroup(name: "Users", subcommands: [AccountCommands.self, SessionCommands.self]),
            CommandGroup(name: "Other domains", subcommands: [ComponentCommands.self]),
            CommandGroup(name: "Tools", subcommands: [SetupCommand.self, ConfigCommands.self, CompletionCommand.self]),
        ])
}
