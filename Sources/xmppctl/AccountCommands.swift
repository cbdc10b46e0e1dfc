import ArgumentParser
import IPC

struct AccountCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Create, delete and list accounts, change passwords.",
        subcommands: [
            AccountAdd.self, AccountRemove.self, AccountPasswd.self, AccountExists.self, AccountList.self, AccountCount.self,
        ])
}

struct AccountAdd: VerbCommand {
    static let verb = "account.add"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "jid")) var jid: String
    @Option(help: .of(verb, "password")) var password: String?
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func arguments(_ console: Console) throws(CommandError) -> Value {
        try PasswordQuestion(verb: Self.verb, jid).arguments(password, console)
    }

    func words(for result: Value) -> String? { "\(result.words("jid")) has been added" }
}

struct AccountRemove: VerbCommand {
    static let verb = "account.remove"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "jid")) var jid: String
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func arguments(_: Console) -> Value { ["jid": .string(jid)] }

    func words(for result: Value) -> String? { "\(result.words("jid")) has been removed" }
}

struct AccountPasswd: VerbCommand {
    static let verb = "account.passwd"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "jid")) var jid: String
    @Option(help: .of(verb, "password")) var password: String?
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func arguments(_ console: Console) throws(CommandError) -> Value {
        try PasswordQuestion(verb: Self.verb, jid).arguments(password, console)
    }

    func words(for result: Value) -> String? { "the password of \(result.words("jid")) has been changed" }
}

struct AccountExists: VerbCommand {
    static let verb = "account.exists"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "jid")) var jid: String
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func arguments(_: Console) -> Value { ["jid": .string(jid)] }

    func words(for result: Value) -> String? { result["exists"]?.bool == true ? "\(jid) exists" : "\(jid) does not exist" }

    func conclude(_ result: Value, _: Console) throws(CommandError) {
        if result["exists"]?.bool != true { throw CommandError("") }
    }
}

struct AccountList: VerbCommand {
    static let verb = "account.list"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "domain")) var domain: String?
    @Option(help: .of(verb, "after", valueName: "jid")) var after: String?
    @Option(help: .of(verb, "limit", valueName: "number")) var limit = preset(of: verb, "limit")
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func arguments(_: Console) -> Value {
        .given(("domain", domain.map(Value.string)), ("after", after.map(Value.string)), ("limit", .int(Int64(limit))))
    }

    func words(for result: Value) -> String? {
        let rows = result["rows"]?.array ?? []
        return rows.isEmpty ? nil : rows.map { $0.words("jid") }.joined(separator: "\n")
    }

    func conclude(_ result: Value, _ console: Console) {
        guard result["more"]?.bool == true, let last = result["rows"]?.array?.last else { return }
        console.complain("xmppctl: others follow: --after \(last.words("jid"))")
    }
}

struct AccountCount: VerbCommand {
    static let verb = "account.count"
    static let configuration = CommandConfiguration(verb: verb)

    @Argument(help: .of(verb, "domain")) var domain: String?
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func arguments(_: Console) -> Value { .given(("domain", domain.map(Value.string))) }

    func words(for result: Value) -> String? { result.number("count").map { "\($0)" } }
}
