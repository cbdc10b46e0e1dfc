import IPC
import Operations

/// Asks for the new password of an account.
struct PasswordQuestion {
    private let verb: String
    private let jid: String

    init(verb: String, _ jid: String) {
        self.verb = verb
        self.jid = jid
    }

    /// The arguments of the verb, with the password.
    /// - Parameter given: the one of the command line, which spares the question.
    func arguments(_ given: String?, _ console: Console) throws(CommandError) -> Value {
        // Before anybody types a password for an address that is none.
        _ = try OperationCatalog.operation(verb)?.judge(["jid": .string(jid), "password": .string(given ?? "unknown")])
        let password = if let given { given } else { try ask(console) }
        return ["jid": .string(jid), "password": .string(password)]
    }

    private func ask(_ console: Console) throws(CommandError) -> String {
        guard console.isInteractive else {
            guard let line = console.readLine(), !line.isEmpty else {
                throw CommandError("no password: standard input is empty", CommandStatus.usage)
            }
            return line
        }
        guard let first = console.readSecret("New password for \(printable(jid)): "), !first.isEmpty,
            let second = console.readSecret("Once more: ")
        else { throw CommandError("no password was given", CommandStatus.usage) }
        guard first == second else { throw CommandError("the two passwords differ", CommandStatus.usage) }
        return first
    }
}
