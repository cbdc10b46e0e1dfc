/// One fact of a log event: a name that is fixed in the source and a value.
///
/// A secret has no description (habit of the house), so it cannot become a field by accident.
public struct Field: Sendable, Equatable {
    public let name: String
    public let value: String

    /// - Parameter name: lower-case letters, digits and `_`.
    public init(_ name: StaticString, _ value: some CustomStringConvertible) {
        self.name = name.description
        self.value = value.description
    }

    /// A field of a library's log metadata, whose name is known at run time only.
    init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
