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
        let root: Node
        do {
            root = try Node.parse(text, file: path)
        } catch {
            return .refused([error])
        }
        guard case .table(let entries) = root.value else { return .refused([]) }
        var validator = Validator(file: path, files: files)
        let tree = validator.table(
            entries, at: Position(line: 1, column: 1), schema: OptionTable.schema(), path: "")
        var checks = CrossChecks(tree: tree, validator: validator)
        checks.run()
        let problems = checks.validator.problems
        guard problems.isEmpty else { return .refused(problems.sorted(by: Self.inOrder)) }
        let notes = checks.validator.notes.sorted { ($0.position, $0.path) < ($1.position, $1.path) }
        return .loaded(ServerConfiguration(tree), notes: notes)
    }

    private static func inOrder(_ left: Problem, _ right: Problem) -> Bool {
        (left.position, left.path) < (right.position, right.path)
    }
}
