import IPC
import Telemetry
import Testing

@testable import Operations

/// What must hold of the table of verbs as a whole.
@Suite(.timeLimit(.minutes(5)))
struct CatalogTests {
    @Test func namesAreUniqueAndSpellable() {
        #expect(Set(OperationCatalog.all.map(\.name)).count == OperationCatalog.all.count)
        for operation in OperationCatalog.all {
            #expect(operation.name.wholeMatch(of: #/[a-z]+(-[a-z]+)*(\.[a-z]+)?/#) != nil, "\(operation.name)")
            #expect(Set(operation.arguments.map(\.name)).count == operation.arguments.count, "\(operation.name)")
        }
    }

    @Test(arguments: OperationCatalog.all)
    func everythingHasASentence(_ operation: Operation) {
        #expect(operation.sentence.hasSuffix("."))
        for argument in operation.arguments { #expect(argument.sentence.hasSuffix("."), "\(argument.name)") }
        check(operation.result, of: operation.name)
    }

    private func check(_ shape: Operation.Shape, of name: String) {
        if case .list(let element) = shape { check(element, of: name) }
        #expect(Set(shape.fields.map(\.name)).count == shape.fields.count, "\(name)")
        for field in shape.fields {
            #expect(field.sentence.hasSuffix("."), "\(name): \(field.name)")
            check(field.shape, of: "\(name): \(field.name)")
        }
    }

    @Test(arguments: OperationCatalog.all)
    func presetsAreLegal(_ operation: Operation) {
        for argument in operation.arguments {
            guard case .preset(let value) = argument.presence else { continue }
            #expect(argument.objection(to: value) == nil, "\(argument.name)")
        }
    }

    /// On a command line what must be there stands before what may be missing, and only what is named can be a flag.
    @Test(arguments: OperationCatalog.all)
    func positionsAreUnambiguous(_ operation: Operation) {
        let positional = operation.arguments.filter { $0.form == .positional }
        let required = positional.prefix { $0.presence == .required }
        #expect(positional.dropFirst(required.count).allSatisfy { $0.presence != .required })
        #expect(positional.allSatisfy { $0.kind != .flag && $0.kind != .secret })
    }

    @Test func levelsAreThoseOfTheLog() {
        let level = OperationCatalog.operation("log-level")?.argument("level")
        #expect(level?.kind == .choice(LogLevel.allCases.map(\.rawValue)))
    }

    @Test func unknownVerbsAndThoseOfTheClientAreRefused() {
        for verb in ["", "account", "account.steal", "start", "config.check"] {
            #expect(throws: Operation.Failure.unknownVerb(verb)) { try OperationCatalog.check(verb: verb, arguments: nil) }
        }
    }
}
