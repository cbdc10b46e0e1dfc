public import IPC

extension Operation {
    /// The arguments of a request that has been checked: every required one is there, each has its kind, the absent
    /// ones with a preset have that.
    public struct Arguments: Sendable, Equatable {
        /// As an object, in the order of the table.
        public let value: Value

        /// The text of an argument; nil if it was not given.
        public func text(_ name: String) -> String? { value[name]?.string }

        /// The number of an argument; nil if it was not given.
        public func integer(_ name: String) -> Int? { value[name]?.int.map { Int($0) } }

        /// Whether a flag was given.
        public func flag(_ name: String) -> Bool { value[name]?.bool ?? false }

        /// The text of an argument that the table calls required; throws `bad-argument` if the table does not.
        public func required(_ name: String) throws(Failure) -> String {
            guard let text = text(name) else { throw .missing(name) }
            return text
        }
    }

    /// Checks the arguments of a request against the table.
    /// - Parameter value: an object, or null for none. A member that is null counts as absent.
    public func check(_ value: Value) throws(Failure) -> Arguments {
        let members: [Value.Member]
        switch value {
        case .null: members = []
        case .object(let found): members = found
        case .bool, .int, .double, .string, .array:
            throw Failure(.badArgument, "the arguments of '\(name)' must be an object")
        }
        for member in members where argument(member.name) == nil { throw unknownArgument(member.name) }
        var checked: [Value.Member] = []
        for argument in arguments {
            let found = members.first { $0.name == argument.name }?.value ?? .null
            if !found.isNull {
                if let objection = argument.objection(to: found) { throw objection }
                checked.append(Value.Member(argument.name, found))
                continue
            }
            switch argument.presence {
            case .required: throw .missing(argument.name, expected: argument.kind)
            case .optional: continue
            case .preset(let value): checked.append(Value.Member(argument.name, value))
            }
        }
        return Arguments(value: .object(checked))
    }

    private func unknownArgument(_ found: String) -> Failure {
        let known = arguments.map(\.name).joined(separator: ", ")
        return Failure(
            .badArgument,
            "'\(name)' has no argument '\(found.prefix(60))'" + (known.isEmpty ? "; it takes none" : ": expected one of \(known)"))
    }
}

extension Operation.Failure {
    static func missing(_ name: String, expected kind: Operation.Argument.Kind? = nil) -> Operation.Failure {
        Operation.Failure(.badArgument, "argument '\(name)' is missing" + (kind.map { ": expected \($0.expectation)" } ?? ""))
    }
}
