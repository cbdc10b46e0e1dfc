public import IPC

extension Operation {
    /// One argument of a verb: a member of the object that a request carries.
    public struct Argument: Sendable {
        public enum Kind: Sendable, Equatable {
            /// `user@domain`
            case bareJID
            /// `user@domain`, or `user@domain/resource`
            case jid
            case domain
            case text
            /// A text that is never shown.
            case secret
            case integer(ClosedRange<Int64>)
            case flag
            case choice([String])
            /// The path of a file.
            case file
        }

        public enum Presence: Sendable, Equatable {
            case required
            case optional
            case preset(Value)
        }

        /// Where it stands on a command line.
        public enum Form: Sendable, Equatable {
            case positional
            /// As `--name VALUE`, or `--name` alone for a flag.
            case named
        }

        public let name: String
        public let kind: Kind
        public let presence: Presence
        public let form: Form
        /// A named argument's short name, as `-f`.
        public let letter: Character?
        /// What stands for its value in help, as `number` in `--limit <number>`.
        public let placeholder: String
        public let sentence: String

        init(
            _ name: String, _ kind: Kind, _ presence: Presence, _ form: Form, letter: Character? = nil, placeholder: String? = nil,
            _ sentence: String
        ) {
            self.name = name
            self.kind = kind
            self.presence = presence
            self.form = form
            self.letter = letter
            self.placeholder = placeholder ?? (form == .named ? kind.placeholder : nil) ?? name
            self.sentence = sentence
        }
    }
}

extension Operation.Argument {
    /// Longest text, in bytes of UTF-8.
    public static let textLimit = 4096

    /// What is wrong with a value.
    /// - Returns: nil if nothing.
    func objection(to value: Value) -> Operation.Failure? {
        accepts(value) ? nil : refusal(of: value)
    }

    private func accepts(_ value: Value) -> Bool {
        switch (kind, value) {
        case (.bareJID, .string(let text)): AddressForm.isBare(text)
        case (.jid, .string(let text)): AddressForm.isAddress(text)
        case (.domain, .string(let text)): AddressForm.isDomain(text)
        case (.text, .string(let text)), (.secret, .string(let text)), (.file, .string(let text)):
            !text.isEmpty && text.utf8.count <= Self.textLimit && !text.utf8.contains(0)
        case (.integer(let range), .int(let number)): range.contains(number)
        case (.flag, .bool): true
        case (.choice(let choices), .string(let text)): choices.contains(text)
        case (.bareJID, _), (.jid, _), (.domain, _), (.text, _), (.secret, _), (.file, _), (.integer, _), (.flag, _),
            (.choice, _):
            false
        }
    }

    private func refusal(of value: Value) -> Operation.Failure {
        let found = kind == .secret ? "not usable" : Self.excerpt(of: value)
        return Operation.Failure(.badArgument, "argument '\(name)' is \(found): expected \(kind.expectation)")
    }

    private static func excerpt(of value: Value) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return "\(value)"
        case .double(let value): return "\(value)"
        case .string(let text):
            let beginning = text.prefix(60).map { $0.unicodeScalars.contains(where: AddressForm.isControl) ? "?" : String($0) }
            return "'" + beginning.joined() + (text.count > 60 ? "…'" : "'")
        case .array: return "a list"
        case .object: return "an object"
        }
    }
}

extension Operation.Argument.Kind {
    /// What stands for a value of this kind in help; nil: the name of the argument.
    fileprivate var placeholder: String? {
        switch self {
        case .bareJID, .jid: "jid"
        case .integer: "number"
        case .text: "text"
        case .file: "file"
        case .domain, .secret, .flag, .choice: nil
        }
    }

    /// As the end of a sentence that begins with "expected".
    public var expectation: String {
        switch self {
        case .bareJID: "an address as user@domain"
        case .jid: "an address as user@domain or user@domain/resource"
        case .domain: "a domain"
        case .text: "a text of 1 to \(Operation.Argument.textLimit) bytes"
        case .secret: "a secret of 1 to \(Operation.Argument.textLimit) bytes"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .flag: "true or false"
        case .choice(let choices): "one of " + choices.joined(separator: ", ")
        case .file: "a file"
        }
    }
}

/// The form of addresses as far as it can be judged without the profiles of RFC 7622; whoever carries the verb out
/// applies those.
enum AddressForm {
    /// Longest part of an address, in bytes (RFC 7622 §3.1).
    private static let partLimit = 1023

    static func isDomain(_ text: some StringProtocol) -> Bool { isPart(text, without: "@/") }

    static func isBare(_ text: some StringProtocol) -> Bool {
        guard let at = text.firstIndex(of: "@") else { return false }
        return isPart(text[..<at], without: "/\"&'<>:") && isDomain(text[text.index(after: at)...])
    }

    static func isAddress(_ text: some StringProtocol) -> Bool {
        guard let slash = text.firstIndex(of: "/") else { return isBare(text) }
        let resource = text[text.index(after: slash)...]
        return isBare(text[..<slash]) && !resource.isEmpty && resource.utf8.count <= partLimit
            && !resource.unicodeScalars.contains(where: isControl)
    }

    static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) }

    private static func isPart(_ text: some StringProtocol, without forbidden: String) -> Bool {
        !text.isEmpty && text.utf8.count <= partLimit
            && !text.unicodeScalars.contains { isControl($0) || $0 == " " || forbidden.unicodeScalars.contains($0) }
    }
}
