/// A password in the form in which it is compared: UTF-8 after OpaqueString (RFC 8265 §4.2).
///
/// This room does not know PRECIS: whoever makes a `Password` from what a person or a client sent prepares it first
/// (`SASLNaming.password` is where an exchange asks for that). ASCII needs no preparation.
/// It has no description, so that no log line, error or crash report can show it.
public struct Password: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public let bytes: [UInt8]

    /// - Parameter prepared: the password after OpaqueString.
    public init(prepared: String) { bytes = Array(prepared.utf8) }

    public var description: String { "(password)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
