import ArgumentParser
import IPC

struct ComponentCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "component", abstract: "List and close the connections of external components.",
        subcommands: [ComponentList.self, ComponentKick.self])
}

struct ComponentList: VerbCommand {
    static let verb = "component.list"

    @OptionGroup var arguments: VerbArguments<ComponentList>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? {
        var table = Table([.init("DOMAIN"), .init("FROM"), .init("WORKER", .right), .init("HIDDEN"), .init("SINCE")])
        for row in result["rows"]?.array ?? [] {
            table.add([
                row.words("domain"), row.words("address"), row.number("worker").map { "\($0)" } ?? "-",
                row["hidden"]?.bool == true ? "yes" : "no", row.number("since").map { Quantity.moment(seconds: $0) } ?? "-",
            ])
        }
        return table.text
    }
}

struct ComponentKick: VerbCommand {
    static let verb = "component.kick"

    @OptionGroup var arguments: VerbArguments<ComponentKick>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { "the component of \(result.words("domain")) is closed" }
}
