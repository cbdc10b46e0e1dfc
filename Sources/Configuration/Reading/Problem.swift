/// One reason why a configuration is refused. A load reports all of a file's problems, in the order of the file.
public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        case notTOML = "not TOML"
        case unexpectedKey = "unexpected key"
        case malformedNode = "malformed node"
        case missingKey = "missing mandatory key"
        case badValue = "bad value"
        case conflict = "conflict"
        case duplicateListeners = "duplicate_listeners"
        case file = "file"
        case removed = "removed"
    }

    public let kind: Kind
    /// The configuration file as it was named to the loader.
    public let file: String
    public let position: Position
    /// The TOML path; elements of arrays count from 1: `listen.c2s[1].tls.mode`.
    public let path: String
    /// The value in the file, as TOML would write it; nil where nothing was found. Never a secret.
    public let found: String?
    public let expected: String
    /// The nearest known key or value, or a remedy.
    public let hint: String?

    public init(
        _ kind: Kind, file: String, at position: Position, path: String,
        found: String? = nil, expected: String, hint: String? = nil
    ) {
        self.kind = kind
        self.file = file
        self.position = position
        self.path = path
        self.found = found
        self.expected = expected
        self.hint = hint
    }

    public var line: Int { position.line }
    public var column: Int { position.column }

    /// `FILE:LINE:COLUMN: PATH: KIND: found X, expected Y (HINT)`, on one line.
    public var description: String {
        var text = "\(file):\(position): "
        if !path.isEmpty { text += "\(path): " }
        text += "\(kind.rawValue): "
        if let found { text += "found \(found), " }
        text += found == nil ? expected : "expected \(expected)"
        if let hint { text += " (\(hint))" }
        return text
    }
}
