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

    @OptionGroup var arguments: VerbArguments<AccountAdd>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func request(_ console: Console) throws(CommandError) -> Value {
        try PasswordQuestion(verb: Self.verb).answered(arguments.value, console)
    }

    func words(for result: Value) -> String? { "\(result.words("jid")) has been added" }
}

struct AccountRemove: VerbCommand {
    static let verb = "account.remove"

    @OptionGroup var arguments: VerbArguments<AccountRemove>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { "\(result.words("jid")) has been removed" }
}

struct AccountPasswd: VerbCommand {
    static let verb = "account.passwd"

    @OptionGroup var arguments: VerbArguments<AccountPasswd>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func request(_ console: Console) throws(CommandError) -> Value {
        try PasswordQuestion(verb: Self.verb).answered(arguments.value, console)
    }

    func words(for result: Value) -> String? { "the password of \(result.words("jid")) has been changed" }
}

struct AccountExists: VerbCommand {
    static let verb = "account.exists"

    @OptionGroup var arguments: VerbArguments<AccountExists>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? {
        let jid = arguments.text("jid") ?? ""
        return result["exists"]?.bool == true ? "\(jid) exists" : "\(jid) does not exist"
    }

    func conclude(_ result: Value, _: Console) throws(CommandError) {
        if result["exists"]?.bool != true { throw CommandError("") }
    }
}

struct AccountList: VerbCommand {
    static let verb = "account.list"

    @OptionGroup var arguments: VerbArguments<AccountList>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

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

    @OptionGroup var arguments: VerbArguments<AccountCount>
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func words(for result: Value) -> String? { result.number("count").map { "\($0)" } }
}
