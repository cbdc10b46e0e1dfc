import ArgumentParser
import IPC
import Operations

/// Where the server is, and how long to wait for it.
struct ServerOptions: ParsableArguments {
    @Option(
        help: .init(
            "The control socket of the server (default: $XMPPD_CONTROL_SOCKET, or \(ControlConnection.defaultSocket)).",
            valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(name: .customLong("timeout"), help: .init("How long to wait for the server.", valueName: "seconds"))
    var timeoutSeconds = 60

    func validate() throws {
        guard (1...86_400).contains(timeoutSeconds) else {
            throw ValidationError("--timeout: expected a whole number from 1 to 86400")
        }
    }

    func server(_ console: Console) -> ControlConnection {
        ControlConnection(
            socket: socket ?? console.environment("XMPPD_CONTROL_SOCKET") ?? ControlConnection.defaultSocket,
            patienceSeconds: timeoutSeconds)
    }
}

struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the result as JSON.")
    var json = false
}

/// A command that asks the server for one verb.
protocol VerbCommand: CatalogCommand {
    var server: ServerOptions { get }
    var output: OutputOptions { get }

    /// What the request carries.
    func request(_ console: Console) throws(CommandError) -> Value
    /// The result in words; nil if there is nothing to say.
    func words(for result: Value) -> String?
    /// What else the result means, said after it.
    func conclude(_ result: Value, _ console: Console) throws(CommandError)
}

extension VerbCommand {
    func request(_: Console) -> Value { arguments.value }

    func conclude(_: Value, _: Console) {}

    func carryOut(_ console: Console) throws(CommandError) {
        let result = try server.server(console).perform(Self.verb, request(console))
        try show(result, console)
    }

    func show(_ result: Value, _ console: Console) throws(CommandError) {
        if output.json {
            console.say(JSON.text(of: result))
        } else if let words = words(for: result) {
            console.say(words)
        }
        try conclude(result, console)
    }
}

extension Value {
    /// A text member, fit for a terminal; empty if there is none.
    func words(_ name: String) -> String { printable(self[name]?.string ?? "") }

    func number(_ name: String) -> Int64? { self[name]?.int }
}
