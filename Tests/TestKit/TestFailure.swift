/// Why a test cannot go on: what was waited for, and what was there instead.
public struct TestFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
