/// Something an operator should know about a configuration that loads.
public struct Note: Sendable, Equatable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// The file means something other than it seems to.
        case warning
        /// The option is checked and kept, and this version does nothing with it.
        case notYet = "accepted, not yet in effect"
        /// The option has no meaning of its own here; the text says what stands for it.
        case accepted
    }

    public let kind: Kind
    public let file: String
    public let position: Position
    public let path: String
    public let text: String
    /// The option names what the file does not define. Files of other releases do, so that a server starts with them; a
    /// change that brings it about is most likely a slip.
    public let isDangling: Bool

    public init(
        _ kind: Kind, file: String, at position: Position, path: String, text: String = "", isDangling: Bool = false
    ) {
        self.kind = kind
        self.file = file
        self.position = position
        self.path = path
        self.text = text
        self.isDangling = isDangling
    }

    public var description: String {
        "\(file):\(position): \(path): \(kind.rawValue)" + (text.isEmpty ? "" : ": \(text)")
    }
}
