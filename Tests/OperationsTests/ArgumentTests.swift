import IPC
import Testing

@testable import Operations

@Suite(.timeLimit(.minutes(5)))
struct ArgumentTests {
    private static let anything = Operation(
        "any", .anyWorker, .read, "Anything.",
        arguments: [
            .init("bare", .bareJID, .optional, .positional, "."), .init("jid", .jid, .optional, .positional, "."),
            .init("domain", .domain, .optional, .positional, "."), .init("text", .text, .optional, .named, "."),
            .init("secret", .secret, .optional, .named, "."), .init("number", .integer(1...10), .preset(7), .named, "."),
            .init("flag", .flag, .optional, .named, "."), .init("choice", .choice(["red", "green"]), .optional, .named, "."),
            .init("file", .file, .optional, .named, "."),
        ])

    @Test(
        arguments: [
            ("bare", "ada@example.org"), ("bare", "ada@[::1]"), ("bare", "d\\27oh@x"), ("bare", "ädä@例え.jp"),
            ("jid", "ada@example.org"),
            ("jid", "ada@example.org/phone at home/@work"), ("domain", "example.org"), ("domain", "localhost"), ("text", "a"),
            ("text", .string(String(repeating: "a", count: 4096))), ("secret", " "), ("number", 1), ("number", 10), ("flag", true),
            ("flag", false), ("choice", "green"), ("file", "/etc/hosts"), ("bare", nil), ("number", nil),
        ] as [(String, Value)])
    func isTaken(_ name: String, _ value: Value) throws {
        let checked = try Self.anything.check(.object([.init(name, value)]))
        if !value.isNull && name != "bare" { #expect(checked.value[name] == value) }
    }

    @Test(
        arguments: [
            ("bare", "example.org"), ("bare", "@example.org"), ("bare", "ada@"), ("bare", "ada@example.org/phone"),
            ("bare", "a da@x"),
            ("bare", "a@b@c"), ("bare", ""), ("bare", 5), ("bare", .string(String(repeating: "a", count: 1024) + "@x")),
            ("bare", "a\n@x"),
            ("jid", "ada@example.org/"), ("jid", "example.org/x"), ("jid", "ada@x/a\u{0}"), ("domain", ""), ("domain", "a@b"),
            ("domain", "a b"),
            ("text", ""), ("text", .string(String(repeating: "a", count: 4097))), ("text", 1), ("number", 0), ("number", 11),
            ("number", "7"),
            ("number", 1.0), ("flag", "true"), ("flag", 1), ("choice", "blue"), ("choice", ""), ("file", ""), ("file", "a\u{0}b"),
        ] as [(String, Value)])
    func isRefused(_ name: String, _ value: Value) {
        let failure = #expect(throws: Operation.Failure.self) { try Self.anything.check(.object([.init(name, value)])) }
        #expect(failure?.code == .badArgument)
        #expect(failure?.text.contains("'\(name)'") == true)
        #expect(failure?.text.contains("expected") == true)
    }

    @Test func theRefusalNamesArgumentValueAndExpectation() {
        let refusal = Operation.Failure(.badArgument, "argument 'number' is 11: expected a whole number from 1 to 10")
        #expect(throws: refusal) { try Self.anything.check(["number": 11]) }
        let control = Operation.Failure(
            .badArgument, "argument 'choice' is 'a?[2J': expected one of red, green")
        #expect(throws: control) { try Self.anything.check(["choice": "a\u{1B}[2J"]) }
    }

    @Test func aSecretIsNeverShown() {
        let secret = String(repeating: "tomato", count: 1000)
        let failure = #expect(throws: Operation.Failure.self) { try Self.anything.check(["secret": .string(secret)]) }
        #expect(failure?.text.contains("tomato") == false)
    }

    @Test func presetsAreFilledInAndTheOrderIsThatOfTheTable() throws {
        let checked = try Self.anything.check(["flag": true, "text": "x"])
        #expect(checked.value == ["text": "x", "number": 7, "flag": true])
        #expect(checked.text("text") == "x")
        #expect(checked.integer("number") == 7)
        #expect(checked.flag("flag"))
        #expect(checked.text("file") == nil)
    }

    @Test(arguments: [5, "x", [1], true] as [Value])
    func argumentsAreAnObject(_ value: Value) {
        #expect(throws: Operation.Failure(.badArgument, "the arguments of 'any' must be an object")) {
            try Self.anything.check(value)
        }
    }

    @Test func whatIsRequiredMustBeThere() throws {
        let add = try #require(OperationCatalog.operation("account.add"))
        let missing = Operation.Failure(.badArgument, "argument 'jid' is missing: expected an address as user@domain")
        #expect(throws: missing) { try add.check(nil) }
        #expect(throws: missing) { try add.check(["jid": nil, "password": "x"]) }
    }

    @Test func unknownArgumentsAreRefused() throws {
        let count = try #require(OperationCatalog.operation("account.count"))
        let surplus = Operation.Failure(.badArgument, "'account.count' has no argument 'host': expected one of domain")
        #expect(throws: surplus) { try count.check(["host": "example.org"]) }
        let stop = try #require(OperationCatalog.operation("stop"))
        #expect(throws: Operation.Failure(.badArgument, "'stop' has no argument 'now'; it takes none")) {
            try stop.check(["now": true])
        }
    }
}
