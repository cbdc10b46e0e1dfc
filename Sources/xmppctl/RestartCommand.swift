import ArgumentParser
import CPlatform
import Glibc
import IPC

/// Stops the server and starts it again, or replaces it while it serves.
struct RestartCommand: VerbCommand {
    static let verb = "restart"

    @OptionGroup var arguments: VerbArguments<RestartCommand>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if arguments.flag("rolling") && arguments.flag("master") {
            throw ValidationError("--rolling ends with the master: leave --master out")
        }
    }

    func words(for result: Value) -> String? {
        let workers = result.number("workers") ?? 0
        let replaced = workers == 0 ? "" : "\(counted(workers, "worker")) restarted"
        if result["master"]?.bool == true {
            return replaced.isEmpty ? "the master has been restarted" : "\(replaced), and the master"
        }
        return "\(replaced); the master goes on with its program: \(result.words("reason"))"
    }

    func carryOut(_ console: Console) throws(CommandError) {
        let server = server.server(console)
        if !arguments.flag("rolling") && !arguments.flag("master") { return try restartWhole(server, console) }
        var view = RestartView(console, json: output.json)
        let result = try server.perform(Self.verb, arguments.value) { view.show($0) }
        view.end()
        try show(result, console)
    }

    /// The process stays the same, so the end of its control socket says that it has stopped.
    private func restartWhole(_ server: ControlConnection, _ console: Console) throws(CommandError) {
        let pid = try server.perform("status")["master"]?.number("pid") ?? 0
        let handle = cplatform_pidfd_open(pid_t(truncatingIfNeeded: pid))
        defer { if handle >= 0 { close(handle) } }
        let watched = try server.connect()
        let result = try server.perform(Self.verb)
        let deadline = Int64(time(nil)) + Int64(server.patienceSeconds)
        var entries = [
            pollfd(fd: watched.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: handle, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&entries, 2, Int32(clamping: server.patienceSeconds * 1000)) < 0, errno == EINTR {}
        while Int64(time(nil)) < deadline {
            if poll(&entries[1], 1, 0) > 0, entries[1].revents != 0 {
                throw CommandError(
                    "xmppd (pid \(pid)) has stopped and does not start again; its log says why", CommandStatus.failed)
            }
            if isRunning(server) {
                if output.json { return try show(result, console) }
                return console.say("xmppd has been restarted")
            }
            usleep(50_000)
        }
        throw CommandError("xmppd (pid \(pid)) is not ready after \(server.patienceSeconds) s", CommandStatus.unavailable)
    }

    private func isRunning(_ server: ControlConnection) -> Bool {
        do throws(CommandError) {
            return try server.perform("status")["state"]?.string == "running"
        } catch {
            return false
        }
    }
}

/// How far a rolling restart is: a bar on a terminal, a line for each step elsewhere, an object for each step as JSON.
struct RestartView {
    private let console: Console
    private let json: Bool
    private var last = ""
    private var hasBar = false

    private static let width = 24

    init(_ console: Console, json: Bool) {
        self.console = console
        self.json = json
    }

    mutating func show(_ progress: Value) {
        if json { return console.say(JSON.text(of: ["progress": progress])) }
        if let draw = console.draw {
            hasBar = true
            return draw("\(bar(progress)) \(sentence(progress))")
        }
        let line = sentence(progress)
        if line != last { console.say(line) }
        last = line
    }

    /// The bar gives way to the result.
    func end() { if hasBar { console.draw?("") } }

    /// `worker 1 of 2: the old one hands over, 12 sessions left, 30 moved`
    private func sentence(_ progress: Value) -> String {
        guard let position = progress.number("position") else { return "all workers restarted" }
        let place = "worker \(position) (\((progress.number("done") ?? 0) + 1) of \(progress.number("total") ?? 0))"
        guard progress["step"]?.string == "draining" else { return "\(place): the new one starts" }
        let left = counted(progress.number("sessions") ?? 0, "session"), moved = progress.number("moved") ?? 0
        let connections = counted(progress.number("connections") ?? 0, "connection")
        return "\(place): the old one hands over, \(left) and \(connections) left, \(moved) moved"
    }

    private func bar(_ progress: Value) -> String {
        let total = max(1, progress.number("total") ?? 1), done = progress.number("done") ?? 0
        let halves = 2 * done + (progress["step"]?.string == "draining" ? 1 : 0)
        let filled = Int(min(Int64(Self.width), Int64(Self.width) * halves / (2 * total)))
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled) + "]"
    }
}
