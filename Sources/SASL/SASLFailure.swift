/// Why an authentication ended without success: a condition of RFC 6120 §6.5 and, for people, a sentence.
public struct SASLFailure: Error, Equatable, Sendable {
    /// The conditions of RFC 6120 §6.5; the raw value is the element's name.
    public enum Condition: String, Sendable, CaseIterable {
        case aborted
        case accountDisabled = "account-disabled"
        case credentialsExpired = "credentials-expired"
        case encryptionRequired = "encryption-required"
        case incorrectEncoding = "incorrect-encoding"
        case invalidAuthzid = "invalid-authzid"
        case invalidMechanism = "invalid-mechanism"
        case malformedRequest = "malformed-request"
        case mechanismTooWeak = "mechanism-too-weak"
        case notAuthorized = "not-authorized"
        case temporaryAuthFailure = "temporary-auth-failure"
    }

    public let condition: Condition
    /// English text for the `<text/>` child. Never says whether the account exists.
    public let text: String?

    public init(_ condition: Condition, _ text: String? = nil) {
        self.condition = condition
        self.text = text
    }

    public static let aborted = SASLFailure(.aborted)
    public static let incorrectEncoding = SASLFailure(.incorrectEncoding)
    public static let notAuthorized = SASLFailure(.notAuthorized)
    public static let temporaryAuthFailure = SASLFailure(.temporaryAuthFailure)

    static func malformed(_ text: String) -> SASLFailure { SASLFailure(.malformedRequest, text) }
}
