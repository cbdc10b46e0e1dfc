import ArgumentParser
import IPC
import Operations

/// A command whose name, help and arguments are those of a verb in the catalog.
protocol CatalogCommand: Subcommand {
    static var verb: String { get }
    var arguments: VerbArguments<Self> { get }
}

extension CatalogCommand {
    static var configuration: CommandConfiguration {
        let operation = OperationCatalog.operation(verb)
        return CommandConfiguration(
            commandName: operation?.words.last ?? verb, abstract: operation?.sentence ?? "",
            discussion: operation?.discussion ?? "")
    }
}

/// The arguments of a command, made from the rows of its verb in the catalog.
///
/// The parser finds the arguments of a type by reflection: the reflection of this one consists of those rows.
struct VerbArguments<Command: CatalogCommand>: ParsableArguments, CustomReflectable {
    private var given: [Value.Member] = []

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: ArgumentKey.self)
        for row in Self.rows {
            if let value = try row.parsed(from: container) { given.append(Value.Member(row.name, value)) }
        }
    }

    var customMirror: Mirror { Mirror(self, children: Self.rows.map { ($0.name, $0.declaration) }) }

    private static var rows: [Operation.Argument] { OperationCatalog.operation(Command.verb)?.arguments ?? [] }

    /// What was given, presets included, as the object that a request carries.
    var value: Value { .object(given) }

    func text(_ name: String) -> String? { value[name]?.string }

    func flag(_ name: String) -> Bool { value[name]?.bool ?? false }
}

/// The name of an argument, under which the parser keeps what was given.
private struct ArgumentKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
}

extension Operation.Argument {
    /// A secret that is left out is asked for.
    private var isNeeded: Bool { presence == .required && kind != .secret }

    /// The property wrapper that the parser knows this argument by.
    fileprivate var declaration: Any {
        switch (form, kind, presence) {
        case (_, .flag, _): Flag<Bool>(wrappedValue: false, name: names, help: help)
        case (.named, .integer, .preset(.int(let number))):
            Option<Int>(wrappedValue: Int(clamping: number), name: names, help: help)
        case (.named, .integer, _): Option<Int?>(name: names, help: help)
        case (.named, _, _):
            isNeeded
                ? Option<String>(name: names, help: help, completion: completion)
                : Option<String?>(name: names, help: help, completion: completion)
        case (.positional, _, _):
            isNeeded
                ? ArgumentParser.Argument<String>(help: help, completion: completion)
                : ArgumentParser.Argument<String?>(help: help, completion: completion)
        }
    }

    /// What the command line has for this argument; nil if nothing.
    fileprivate func parsed(from container: KeyedDecodingContainer<ArgumentKey>) throws -> Value? {
        let key = ArgumentKey(stringValue: name)
        switch (form, kind, presence) {
        case (_, .flag, _): return try container.decode(Flag<Bool>.self, forKey: key).wrappedValue ? true : nil
        case (.named, .integer, .preset):
            return .int(Int64(try container.decode(Option<Int>.self, forKey: key).wrappedValue))
        case (.named, .integer, _):
            return try container.decode(Option<Int?>.self, forKey: key).wrappedValue.map { .int(Int64($0)) }
        case (.named, _, _):
            if isNeeded { return .string(try container.decode(Option<String>.self, forKey: key).wrappedValue) }
            return try container.decode(Option<String?>.self, forKey: key).wrappedValue.map(Value.string)
        case (.positional, _, _):
            if isNeeded { return .string(try container.decode(ArgumentParser.Argument<String>.self, forKey: key).wrappedValue) }
            return try container.decode(ArgumentParser.Argument<String?>.self, forKey: key).wrappedValue.map(Value.string)
        }
    }

    private var names: NameSpecification {
        let long = NameSpecification.Element.customLong(name)
        return letter.map { [long, .customShort($0)] } ?? [long]
    }

    private var help: ArgumentHelp { ArgumentHelp("\(sentence)", valueName: placeholder) }

    private var completion: CompletionKind? {
        switch kind {
        case .choice(let choices): .list(choices)
        case .file: .file()
        case .bareJID, .jid, .domain, .text, .secret, .integer, .flag: nil
        }
    }
}
