import ArgumentParser
import Glibc
import IPC
import Operations

/// The first steps: a configuration, the administrator's account, the records of the domain.
struct SetupCommand: CatalogCommand {
    static let verb = "setup"
    static let defaultFile = "/etc/xmppd/xmppd.toml"

    @OptionGroup var arguments: VerbArguments<SetupCommand>
    @OptionGroup var server: ServerOptions

    private var file: String { arguments.text("file") ?? Self.defaultFile }

    func carryOut(_ console: Console) throws(CommandError) {
        let nameServer = try NameServer(arguments.text("nameserver"))
        let place = ConfigurationPlace(path: file)
        try judgePresent(place)
        let template = try answers(console)
        try write(template, place, console)
        let hasFailed = try !bringIntoService(template, place, console)
        console.say(ServiceRecords(domain: template.domain).report(nameServer))
        if hasFailed { throw CommandError("") }
    }

    /// Before anybody is asked anything: a file that somebody has edited is not touched.
    private func judgePresent(_ place: ConfigurationPlace) throws(CommandError) {
        guard !arguments.flag("force"), let present = try place.contents(), ConfigurationTemplate(madeWith: present) == nil else {
            return
        }
        throw CommandError("\(file) has been edited: with --force it is replaced, and kept as \(place.former)")
    }

    // MARK: The file

    private func answers(_ console: Console) throws(CommandError) -> ConfigurationTemplate {
        var template = ConfigurationTemplate(hasOwnAccount: getpwnam("xmppd") != nil)
        template.domain = try answer(arguments.text("domain"), "Domain of the addresses, as example.org", nil, console).lowercased()
        try judge(["domain": .string(template.domain)])
        template.admin = try answer(
            arguments.text("admin"), "Account of the administrator, - for none", "admin", console, otherwise: "")
        if template.admin == "-" { template.admin = "" }
        if template.admin.contains("@") {
            throw CommandError(
                "--admin '\(printable(template.admin))': expected the part of the address before the @", CommandStatus.usage)
        }
        if !template.admin.isEmpty {
            _ = try OperationCatalog.operation("account.exists")?.judge(["jid": .string("\(template.admin)@\(template.domain)")])
        }
        template.certificate = try answer(
            arguments.text("certificate"), "Certificates (PEM)", ConfigurationTemplate.certificate, console)
        template.key = try answer(arguments.text("key"), "Their private key (PEM)", ConfigurationTemplate.key, console)
        // Paths of a file are relative to the server's directory, those of a command line to ours.
        try judge(["certificate": .string(template.certificate), "key": .string(template.key)])
        (template.certificate, template.key) = (absolute(template.certificate), absolute(template.key))
        return template
    }

    /// What was given, or is answered at a terminal, or holds otherwise.
    private func answer(
        _ given: String?, _ question: String, _ preset: String?, _ console: Console, otherwise: String? = nil
    ) throws(CommandError) -> String {
        if let given { return given }
        if console.isInteractive {
            guard let line = console.ask("\(question)\(preset.map { " [\($0)]" } ?? ""): ") else {
                throw CommandError("no answer: nothing has been written", CommandStatus.usage)
            }
            if !line.isEmpty { return line }
            if let preset { return preset }
        } else if let value = otherwise ?? preset {
            return value
        }
        throw CommandError("no domain: name it with --domain", CommandStatus.usage)
    }

    private func judge(_ arguments: Value) throws(CommandError) { _ = try OperationCatalog.operation(Self.verb)?.judge(arguments) }

    private func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return "\(String(cString: directory))/\(path)"
    }

    private func write(_ template: ConfigurationTemplate, _ place: ConfigurationPlace, _ console: Console) throws(CommandError) {
        let program = try ServerProgram.path(console)
        let isNew = try place.contents() == nil
        try place.propose(template.text)
        let check = try ChildProgram.run(program, ["--check", "--config", place.candidate])
        guard check.status == 0 else {
            let hint =
                access(template.certificate, F_OK) == 0
                ? "" : "\nthere is no certificate yet: name one with --certificate and --key"
            throw CommandError("xmppd refuses \(place.candidate); \(file) is as it was:\n\(check.text)\(hint)", check.status)
        }
        try place.accept()
        console.say("\(file) has been written" + (isNew ? "" : "; the old one is \(place.former)"))
    }

    // MARK: The server

    /// Lets a server that runs read the file, and makes the account; says what else is to be done.
    /// - Returns: whether everything that could be tried succeeded.
    private func bringIntoService(_ template: ConfigurationTemplate, _ place: ConfigurationPlace, _ console: Console)
        throws(CommandError) -> Bool
    {
        let server = server.server(console)
        let jid = template.admin.isEmpty ? nil : "\(template.admin)@\(template.domain)"
        let status: Value
        do throws(CommandError) {
            status = try server.perform("status")
        } catch {
            guard error.status == CommandStatus.unavailable else { throw error }
            let start = file == Self.defaultFile ? "xmppctl start" : "xmppctl start --config \(file)"
            sayNext([start] + account(jid), "xmppd does not answer. Then:", console)
            return true
        }
        let config = status["master"]?["config"]?.string ?? ""
        guard isSame(config, file) else {
            sayNext(
                ["xmppctl start --config \(file)"] + account(jid), "xmppd runs with \(printable(config)). Stop it; then:", console)
            return true
        }
        do throws(CommandError) {
            let result = try server.perform("reload")
            for note in (result["notes"]?.array ?? []).compactMap(\.string) { console.say(printable(note)) }
            console.say("xmppd has read it")
        } catch {
            console.complain("xmppctl: \(error.text)")
            sayNext(["xmppctl restart"] + account(jid), "The server goes on with what it had. Next:", console)
            return false
        }
        guard let jid else { return true }
        do throws(CommandError) {
            if try server.perform("account.exists", ["jid": .string(jid)])["exists"]?.bool == true {
                console.say("\(jid) exists")
            } else {
                _ = try server.perform(
                    "account.add", PasswordQuestion(verb: "account.add").answered(["jid": .string(jid)], console))
                console.say("\(jid) has been added")
            }
            return true
        } catch {
            console.complain("xmppctl: \(error.text)")
            sayNext(account(jid), "Next:", console)
            return false
        }
    }

    private func account(_ jid: String?) -> [String] { jid.map { ["xmppctl account add \($0)"] } ?? [] }

    private func sayNext(_ commands: [String], _ title: String, _ console: Console) {
        console.say(([title] + commands.map { "  \($0)" }).joined(separator: "\n"))
    }

    private func isSame(_ one: String, _ other: String) -> Bool {
        var first = stat(), second = stat()
        return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }
}
