public import IPC

extension Operation {
    /// What a verb's result looks like. A result may have more than its shape says, never less.
    public indirect enum Shape: Sendable {
        /// Null: that it succeeded is all there is to say.
        case nothing
        case text
        case integer
        case flag
        case list(Shape)
        case object([Field])
    }

    public struct Field: Sendable {
        public let name: String
        public let shape: Shape
        /// Whether it may be absent or null.
        public let isOptional: Bool
        public let sentence: String

        init(_ name: String, _ shape: Shape, optional: Bool = false, _ sentence: String) {
            self.name = name
            self.shape = shape
            isOptional = optional
            self.sentence = sentence
        }
    }
}

extension Operation.Shape {
    /// The members of an object; none for any other shape.
    public var fields: [Operation.Field] {
        if case .object(let fields) = self { fields } else { [] }
    }

    /// The first place where a value has not this shape, as `workers[1].pid: expected a whole number`.
    /// - Returns: nil if it fits.
    public func mismatch(of value: Value) -> String? { mismatch(of: value, at: "") }

    private func mismatch(of value: Value, at path: String) -> String? {
        switch (self, value) {
        case (.nothing, _), (.text, .string), (.integer, .int), (.flag, .bool): return nil
        case (.list(let shape), .array(let elements)):
            for (index, element) in elements.enumerated() {
                if let mismatch = shape.mismatch(of: element, at: "\(path)[\(index)]") { return mismatch }
            }
            return nil
        case (.object(let fields), .object):
            for field in fields {
                let member = value[field.name] ?? .null
                if field.isOptional && member.isNull { continue }
                let place = path.isEmpty ? field.name : "\(path).\(field.name)"
                if let mismatch = field.shape.mismatch(of: member, at: place) { return mismatch }
            }
            return nil
        case (.text, _), (.integer, _), (.flag, _), (.list, _), (.object, _):
            return "\(path.isEmpty ? "the result" : path): expected \(expectation)"
        }
    }

    private var expectation: String {
        switch self {
        case .nothing: "nothing"
        case .text: "a text"
        case .integer: "a whole number"
        case .flag: "true or false"
        case .list: "a list"
        case .object: "an object"
        }
    }
}
