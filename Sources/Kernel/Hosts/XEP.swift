/// A specification that a module implements, for the list of supported XEPs.
public struct XEP: Sendable, Equatable {
    public let number: Int
    public let name: String
    public let version: String

    public init(_ number: Int, _ name: String, version: String) {
        self.number = number
        self.name = name
        self.version = version
    }
}
