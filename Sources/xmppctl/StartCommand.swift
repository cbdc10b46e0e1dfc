import ArgumentParser
import IPC

/// Starts the server: in this process, through systemd, or in the background.
struct StartCommand: CatalogCommand {
    static let verb = "start"

    @OptionGroup var arguments: VerbArguments<StartCommand>
    @OptionGroup var server: ServerOptions

    func validate() throws {
        if arguments.flag("foreground"), arguments.text("log") != nil {
            throw ValidationError("--foreground logs to standard error: leave --log out")
        }
    }

    func carryOut(_ console: Console) throws(CommandError) {
        let (config, log) = (arguments.text("config"), arguments.text("log"))
        let options = config.map { ["--config", $0] } ?? []
        if arguments.flag("foreground") { return try console.become(try ServerProgram.path(console), options) }
        let server = server.server(console)
        if let pid = runningMaster(server) { throw CommandError("xmppd is already running (pid \(pid))") }
        if config == nil, log == nil, ServiceUnit.isKnown {
            return try console.become(ServiceUnit.systemctl, ["start", ServiceUnit.name])
        }
        let program = try ServerProgram.path(console)
        let background = try BackgroundServer(program, options, log: log)
        console.say("xmppd is running (pid \(background.pid)), \(counted(try background.waitUntilReady(server), "worker"))")
    }

    private func runningMaster(_ server: ControlConnection) -> Int64? {
        do throws(CommandError) {
            return try server.perform("status")["master"]?.number("pid")
        } catch {
            return nil
        }
    }
}
