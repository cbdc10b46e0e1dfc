import ArgumentParser
import IPC

struct SessionCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "List, count and close the sessions of logged-in clients.",
        subcommands: [SessionList.self, SessionCount.self, SessionKick.self])
}

struct SessionList: VerbCommand {
    static let verb = "session.list"

    @OptionGroup var arguments: VerbArguments<SessionList>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? {
        var table = Table([
            .init("SESSION"), .init("FROM"), .init("WORKER", .right), .init("PRIORITY", .right), .init("TLS"), .init("SINCE"),
        ])
        for row in result["rows"]?.array ?? [] {
            let priority = row["available"]?.bool == true ? row.number("priority") ?? 0 : nil
            let isSecure = row["secure"]?.bool
            table.add([
                row.words("jid"), row["address"]?.string ?? "-", row.number("worker").map { "\($0)" } ?? "-",
                priority.map { "\($0)" } ?? "-", isSecure.map { $0 ? "yes" : "no" } ?? "-",
                row.number("since").map { Quantity.moment(seconds: $0) } ?? "-",
            ])
        }
        return table.text
    }

    func conclude(_ result: Value, _ console: Console) {
        if result["more"]?.bool == true {
            console.complain("xmppctl: there are more than \(arguments.value.number("limit") ?? 0); see --limit")
        }
    }
}

struct SessionCount: VerbCommand {
    static let verb = "session.count"

    @OptionGroup var arguments: VerbArguments<SessionCount>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { result.number("count").map { "\($0)" } }
}

struct SessionKick: VerbCommand {
    static let verb = "session.kick"

    @OptionGroup var arguments: VerbArguments<SessionKick>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { "\(counted(result.number("closed") ?? 0, "session")) closed" }
}
