import ArgumentParser
import CPlatform
import Glibc
import IPC

struct StopCommand: VerbCommand {
    static let verb = "stop"
    static let configuration = CommandConfiguration(verb: verb)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for _: Value) -> String? { "xmppd has stopped" }

    func carryOut(_ console: Console) throws(Complaint) {
        let server = server.server(console)
        let pid = try server.perform("status")["master"]?.number("pid") ?? 0
        // A handle instead of a number: nobody else can come by it while we wait.
        let handle = cplatform_pidfd_open(pid_t(truncatingIfNeeded: pid))
        defer { if handle >= 0 { close(handle) } }
        let result = try server.perform(Self.verb)
        var entry = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        var ready: Int32
        repeat { ready = poll(&entry, 1, Int32(clamping: server.patience * 1000)) } while ready < 0 && errno == EINTR
        guard ready != 0 || handle < 0 else {
            throw Complaint("xmppd (pid \(pid)) is stopping, but not gone after \(server.patience) s", ExitStatus.unavailable)
        }
        try show(result, console)
    }
}

struct StatusCommand: VerbCommand {
    static let verb = "status"
    static let configuration = CommandConfiguration(verb: verb)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { StatusView(result).text }
}

struct ReloadCommand: VerbCommand {
    static let verb = "reload"
    static let configuration = CommandConfiguration(verb: verb)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? {
        let notes = (result["notes"]?.array ?? []).compactMap(\.string).map(printable)
        return (notes + ["\(result.words("configuration")) is in force"]).joined(separator: "\n")
    }
}

struct LogLevelCommand: VerbCommand {
    static let verb = "log-level"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "level"), completion: .choices(of: verb, "level"))
    var level: String?

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func arguments(_: Console) -> Value { .given(("level", level.map(Value.string))) }

    func words(for result: Value) -> String? { result.words("level") }
}

struct VersionCommand: VerbCommand {
    static let verb = "version"
    static let configuration = CommandConfiguration(verb: verb)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { "xmppctl \(ServerVersion.number)\nxmppd   \(result.words("version"))" }

    /// That no server runs is no failure of this command.
    func carryOut(_ console: Console) throws(Complaint) {
        var answer: Value = ["version": nil]
        do throws(Complaint) {
            answer = try server.server(console).perform(Self.verb)
        } catch {
            guard error.status == ExitStatus.unavailable else { throw error }
        }
        let versions: Value = ["xmppctl": .string(ServerVersion.number), "xmppd": answer["version"] ?? nil]
        if output.json { return console.say(JSON.text(of: versions)) }
        console.say(answer["version"]?.string == nil ? "xmppctl \(ServerVersion.number)\nxmppd   does not answer" : words(for: answer) ?? "")
    }
}
