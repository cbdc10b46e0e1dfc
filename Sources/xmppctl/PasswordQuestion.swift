import IPC
import Operations

/// Asks for the new password of an account.
struct PasswordQuestion {
    private let verb: String

    init(verb: String) { self.verb = verb }

    /// The arguments of the verb, with the password.
    /// - Parameter given: what the command line has; a password there spares the question.
    func answered(_ given: Value, _ console: Console) throws(CommandError) -> Value {
        let members = given.members ?? []
        // Before anybody types a password for an address that is none.
        let isThere = given["password"] != nil
        _ = try OperationCatalog.operation(verb)?.judge(isThere ? given : .object(members + [.init("password", "unknown")]))
        return isThere ? given : .object(members + [.init("password", .string(try ask(given.words("jid"), console)))])
    }

    private func ask(_ jid: String, _ console: Console) throws(CommandError) -> String {
        guard console.isInteractive else {
            guard let line = console.readLine(), !line.isEmpty else {
                throw CommandError("no password: standard input is empty", CommandStatus.usage)
            }
            return line
        }
        guard let first = console.readSecret("New password for \(jid): "), !first.isEmpty,
            let second = console.readSecret("Once more: ")
        else { throw CommandError("no password was given", CommandStatus.usage) }
        guard first == second else { throw CommandError("the two passwords differ", CommandStatus.usage) }
        return first
    }
}
