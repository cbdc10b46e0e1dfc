/// Checks one value that is no table of options against its kind.
struct ScalarCheck {
    /// A refused value with its place; inside an array that of the element.
    struct Failure {
        let rejection: Rejection
        let node: Node
        let path: String
    }

    let files: any FileSource
    private(set) var failures: [Failure] = []
    /// What a legal value gives occasion to say.
    private(set) var warnings: [String] = []

    init(files: any FileSource) { self.files = files }

    /// Nil for a value that is refused; `failures` says why.
    mutating func value(of node: Node, kind: OptionKind, path: String) -> Setting.Value? {
        switch kind {
        case .list(let element, let atLeastOne):
            return list(node, element: element, atLeastOne: atLeastOne, kind: kind, path: path)
        case .either(let kinds):
            return either(node, kinds, kind: kind, path: path)
        case .free:
            return Self.free(node)
        case .sectionOr(let other):
            return value(of: node, kind: other, path: path)
        default:
            do throws(Rejection) {
                return try scalar(node, kind)
            } catch {
                return refuse(error, node, path)
            }
        }
    }

    private mutating func refuse(_ rejection: Rejection, _ node: Node, _ path: String) -> Setting.Value? {
        failures.append(Failure(rejection: rejection, node: node, path: path))
        return nil
    }

    private mutating func scalar(_ node: Node, _ kind: OptionKind) throws(Rejection) -> Setting.Value {
        switch (kind, node.value) {
        case (.boolean, .boolean(let value)), (.booleanOrSpelling, .boolean(let value)):
            return .boolean(value)
        case (.booleanOrSpelling, .string(let text)) where text == "true" || text == "false":
            warnings.append("a string is taken for the boolean \(text)")
            return .boolean(text == "true")
        case (.integer(let range, _), .integer(let value)) where range.contains(value),
            (.integerOrInfinity(let range, _), .integer(let value)) where range.contains(value):
            return .integer(value)
        case (.integers(let values), .integer(let value)) where values.contains(value):
            return .integer(value)
        case (.integer, .integer), (.integerOrInfinity, .integer), (.integers, .integer):
            throw Rejection(kind: .badValue, expected: kind.expectation)
        case (.integerOrInfinity, .string("infinity")):
            return .infinity
        case (.integerOrInfinity, .string), (.booleanOrSpelling, .string):
            throw Rejection(kind: .badValue, expected: kind.expectation)
        case (.float, .float(let value)):
            return .string(String(value))
        case (.text(let rule), .string(let text)):
            return .string(try rule.check(text))
        case (.choice(let values), .string(let text)):
            guard values.contains(text) else { throw Self.notOne(of: values, text, kind) }
            return .string(text)
        case (.secret, .string(let text)):
            guard !text.isEmpty else { throw Rejection(kind: .badValue, expected: kind.expectation) }
            return .secret(Secret(text))
        case (.file(let use), .string(let path)):
            return .file(try read(path, use))
        case (.variable, .string(let name)) where !name.isEmpty:
            do {
                return .file(ConfiguredFile(path: name, contents: try files.variable(name)))
            } catch {
                throw Rejection(kind: .badValue, expected: kind.expectation, hint: error.description)
            }
        default:
            throw Rejection(kind: .malformedNode, expected: kind.expectation)
        }
    }

    private static func notOne(of values: [String], _ text: String, _ kind: OptionKind) -> Rejection {
        if text == "riak" {
            return Rejection(kind: .removed, expected: kind.expectation, hint: "support for Riak was removed")
        }
        let nearest = NearestName.to(text, among: values)
        return Rejection(
            kind: .badValue, expected: kind.expectation, hint: nearest.map { "nearest: \"\($0)\"" })
    }

    private func read(_ path: String, _ use: FileUse) throws(Rejection) -> ConfiguredFile {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw Rejection(kind: .badValue, expected: OptionKind.file(use).expectation)
        }
        let contents: [UInt8]
        do {
            contents = try files.read(path)
        } catch {
            throw Rejection(kind: .file, expected: OptionKind.file(use).expectation, hint: error.description)
        }
        guard use.isPlausible(contents) else {
            throw Rejection(kind: .file, expected: OptionKind.file(use).expectation, hint: "the file holds none")
        }
        return ConfiguredFile(path: path, contents: contents)
    }

    private mutating func list(
        _ node: Node, element: OptionKind, atLeastOne: Bool, kind: OptionKind, path: String
    ) -> Setting.Value? {
        guard case .array(let elements) = node.value else {
            return refuse(Rejection(kind: .malformedNode, expected: kind.expectation), node, path)
        }
        if atLeastOne && elements.isEmpty {
            return refuse(Rejection(kind: .badValue, expected: kind.expectation), node, path)
        }
        let failuresBefore = failures.count
        var settings: [Setting] = []
        for (index, inner) in elements.enumerated() {
            let place = "\(path)[\(index + 1)]"
            guard let value = value(of: inner, kind: element, path: place) else { continue }
            let setting = Setting(value: value, position: inner.position)
            if let first = settings.firstIndex(of: setting) {
                let hint = Self.sameAs("\(path)[\(first + 1)]", settings[first].position)
                _ = refuse(Rejection(kind: .badValue, expected: "no value twice", hint: hint), inner, place)
            }
            settings.append(setting)
        }
        return failures.count == failuresBefore ? .list(settings) : nil
    }

    /// Where the first of two equal values stands: they may be spelt differently.
    static func sameAs(_ path: String, _ position: Position?) -> String {
        "the same as \(path)" + (position.map { " in line \($0.line)" } ?? "")
    }

    private mutating func either(_ node: Node, _ kinds: [OptionKind], kind: OptionKind, path: String) -> Setting.Value? {
        var worst = Problem.Kind.malformedNode
        for kind in kinds {
            var trial = ScalarCheck(files: files)
            if let value = trial.value(of: node, kind: kind, path: path) { return value }
            if let found = trial.failures.first?.rejection.kind, found != .malformedNode { worst = found }
        }
        return refuse(Rejection(kind: worst, expected: kind.expectation), node, path)
    }

    /// A value that nothing looks into; kept so that a reload sees it change.
    private static func free(_ node: Node) -> Setting.Value {
        switch node.value {
        case .table(let entries):
            var table = SettingTable(position: node.position)
            for entry in entries {
                table.entries[entry.key] = Setting(value: free(entry.node), position: entry.node.position)
            }
            return .table(table)
        case .array(let elements):
            return .list(elements.map { Setting(value: free($0), position: $0.position) })
        case .string(let text): return .string(text)
        case .integer(let value): return .integer(value)
        case .float(let value): return .string(String(value))
        case .boolean(let value): return .boolean(value)
        case .date: return .string("")
        }
    }
}

extension OptionKind {
    /// Whether a value of this kind must not be shown.
    var isSecret: Bool {
        switch self {
        case .either(let kinds): kinds.contains { $0.isSecret }
        case .sectionOr(let kind): kind.isSecret
        default: self == .secret
        }
    }
}

extension FileUse {
    /// Whether the contents have the outer form; what they are worth only the TLS library can judge.
    func isPlausible(_ contents: [UInt8]) -> Bool {
        switch self {
        case .any: true
        case .certificates: PEM.has(["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"], in: contents)
        case .privateKey: PEM.hasPrivateKey(contents)
        case .dhParameters: PEM.has(["DH PARAMETERS", "X9.42 DH PARAMETERS"], in: contents)
        case .revocations: PEM.has(["X509 CRL"], in: contents)
        }
    }
}

/// The armour lines of PEM (RFC 7468 §2).
enum PEM {
    static func has(_ labels: [String], in contents: [UInt8]) -> Bool {
        lines(of: contents).contains { line in
            labels.contains { line.elementsEqual("-----BEGIN \($0)-----".utf8) }
        }
    }

    /// `PRIVATE KEY` and every label that ends so (`RSA PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`).
    static func hasPrivateKey(_ contents: [UInt8]) -> Bool {
        lines(of: contents).contains { line in
            line.starts(with: "-----BEGIN ".utf8) && line.suffix(16).elementsEqual("PRIVATE KEY-----".utf8)
        }
    }

    private static func lines(of contents: [UInt8]) -> some Sequence<ArraySlice<UInt8>> {
        contents.lazy.split { $0 == UInt8(ascii: "\n") }.map { line in
            line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }
    }
}
