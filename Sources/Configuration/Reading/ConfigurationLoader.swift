/// Reads and checks a configuration file.
public enum ConfigurationLoader {
    /// What became of a file.
    public enum Result: Sendable {
        /// Usable, with what the operator should know, in the order of the file.
        case loaded(ServerConfiguration, notes: [Note])
        /// Refused, for all these reasons, in the order of the file; at least one.
        case refused([Problem])
    }

    /// Checks a whole text. Every file it names is read through `files`. Nothing has an effect outside.
    public static func load(text: [UInt8], path: String, files: any FileSource) -> Result {
        let checks: CrossChecks
        do throws(Problem) {
            checks = try examine(text: text, path: path, files: files)
        } catch {
            return .refused([error])
        }
        let problems = checks.validator.problems
        guard problems.isEmpty else { return .refused(problems.sorted(by: Self.inOrder)) }
        let notes = checks.validator.notes.sorted { ($0.position, $0.path) < ($1.position, $1.path) }
        return .loaded(ServerConfiguration(checks.tree), notes: notes)
    }

    /// The settings of a text with everything that is to be said of them. Throws what is wrong with a text that is no TOML.
    static func examine(text: [UInt8], path: String, files: any FileSource) throws(Problem) -> CrossChecks {
        let root = try Node.parse(text, file: path)
        var validator = Validator(file: path, files: files)
        // A whole text is a table.
        let entries = if case .table(let entries) = root.value { entries } else { [Entry]() }
        let tree = validator.table(
            entries, at: Position(line: 1, column: 1), schema: OptionTable.tree().schema, path: "")
        var checks = CrossChecks(tree: tree, validator: validator)
        checks.run()
        return checks
    }

    private static func inOrder(_ left: Problem, _ right: Problem) -> Bool {
        (left.position, left.path) < (right.position, right.path)
    }
}
