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

    @Option(help: .init("How long to wait for the server.", valueName: "seconds"))
    var timeout = 60

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout: expected a whole number from 1 to 86400") }
    }

    func server(_ console: Console) -> ControlConnection {
        ControlConnection(
            socket: socket ?? console.environment("XMPPD_CONTROL_SOCKET") ?? ControlConnection.defaultSocket, patience: timeout)
    }
}

struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the result as JSON.")
    var json = false
}

/// A command that asks the server for one verb.
protocol VerbCommand: Subcommand {
    static var verb: String { get }
    var server: ServerOptions { get }
    var output: OutputOptions { get }

    /// What the request carries.
    func arguments(_ console: Console) throws(CommandError) -> Value
    /// The result in words; nil if there is nothing to say.
    func words(for result: Value) -> String?
    /// What else the result means, said after it.
    func conclude(_ result: Value, _ console: Console) throws(CommandError)
}

extension VerbCommand {
    func arguments(_: Console) -> Value { [:] }

    func conclude(_: Value, _: Console) {}

    func carryOut(_ console: Console) throws(CommandError) {
        let result = try server.server(console).perform(Self.verb, arguments(console))
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
    /// An object of those pairs that have a value.
    static func given(_ pairs: (String, Value?)...) -> Value {
        .object(pairs.compactMap { name, value in value.map { Member(name, $0) } })
    }

    /// A text member, fit for a terminal; empty if there is none.
    func words(_ name: String) -> String { printable(self[name]?.string ?? "") }

    func number(_ name: String) -> Int64? { self[name]?.int }
}

extension CommandConfiguration {
    /// A verb's command: its name, sentence and discussion are those of the table.
    init(verb: String) {
        let operation = OperationCatalog.operation(verb)
        self.init(
            commandName: operation?.words.last ?? verb, abstract: operation?.sentence ?? "",
            discussion: operation?.discussion ?? "")
    }
}

extension ArgumentHelp {
    /// The sentence of a verb's argument in the table.
    static func of(_ verb: String, _ name: String, valueName: String? = nil) -> ArgumentHelp {
        ArgumentHelp("\(OperationCatalog.operation(verb)?.argument(name)?.sentence ?? "")", valueName: valueName)
    }
}

extension CompletionKind {
    /// The choices of a verb's argument in the table.
    static func choices(of verb: String, _ name: String) -> CompletionKind {
        guard case .choice(let choices)? = OperationCatalog.operation(verb)?.argument(name)?.kind else { return .default }
        return .list(choices)
    }
}

/// The number that a verb's argument has when it is not given.
func preset(of verb: String, _ name: String) -> Int {
    guard case .preset(.int(let number))? = OperationCatalog.operation(verb)?.argument(name)?.presence else { return 0 }
    return Int(number)
}
