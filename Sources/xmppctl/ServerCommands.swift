import ArgumentParser
import CPlatform
import Glibc
import IPC

struct StopCommand: VerbCommand {
    static let verb = "stop"

    @OptionGroup var arguments: VerbArguments<StopCommand>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for _: Value) -> String? { "xmppd has stopped" }

    func carryOut(_ console: Console) throws(CommandError) {
        let server = server.server(console)
        let pid = try server.perform("status")["master"]?.number("pid") ?? 0
        // A handle instead of a number: nobody else can come by it while we wait.
        let handle = cplatform_pidfd_open(pid_t(truncatingIfNeeded: pid))
        defer { if handle >= 0 { close(handle) } }
        let result = try server.perform(Self.verb)
        var entry = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        var looks = server.patienceSeconds * Self.looksPerSecond
        while handle >= 0, looks > 0, poll(&entry, 1, Int32(1000 / Self.looksPerSecond)) <= 0 {
            looks -= 1
            if let draw = console.draw { draw(remaining(server)) }
        }
        console.draw?("")
        guard looks > 0 || handle < 0 else {
            throw CommandError(
                "xmppd (pid \(pid)) is stopping, but not gone after \(server.patienceSeconds) s", CommandStatus.unavailable)
        }
        try show(result, console)
    }

    private static let looksPerSecond = 4

    /// What the server still has, while it stops.
    private func remaining(_ server: ControlConnection) -> String {
        do throws(CommandError) {
            let status = try ControlConnection(socket: server.socket, patienceSeconds: 1).perform("status")
            let workers = (status["workers"]?.array ?? []).count { $0.number("pid") != nil }
            let connections = counted(status.number("connections") ?? 0, "connection")
            return
                "stopping: \(counted(Int64(workers), "worker")), \(counted(status.number("sessions") ?? 0, "session")), \(connections) left"
        } catch {
            return "stopping"
        }
    }
}

struct StatusCommand: VerbCommand {
    static let verb = "status"

    @OptionGroup var arguments: VerbArguments<StatusCommand>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { StatusView(result).text }
}

struct LogLevelCommand: VerbCommand {
    static let verb = "log-level"

    @OptionGroup var arguments: VerbArguments<LogLevelCommand>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { result.words("level") }
}

struct VersionCommand: VerbCommand {
    static let verb = "version"

    @OptionGroup var arguments: VerbArguments<VersionCommand>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { "xmppctl \(ServerVersion.number)\nxmppd   \(result.words("version"))" }

    /// That no server runs is no failure of this command.
    func carryOut(_ console: Console) throws(CommandError) {
        var answer: Value = ["version": nil]
        do throws(CommandError) {
            answer = try server.server(console).perform(Self.verb)
        } catch {
            guard error.status == CommandStatus.unavailable else { throw error }
        }
        let versions: Value = ["xmppctl": .string(ServerVersion.number), "xmppd": answer["version"] ?? nil]
        if output.json { return console.say(JSON.text(of: versions)) }
        console.say(
            answer["version"]?.string == nil ? "xmppctl \(ServerVersion.number)\nxmppd   does not answer" : words(for: answer) ?? ""
        )
    }
}
