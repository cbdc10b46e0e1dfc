internal import Preparation

/// A password in the forms in which it is compared: UTF-8 after OpaqueString (RFC 8265 §4.2) and after SASLprep
/// (RFC 4013), which differ for characters such as `Ⅸ` and `ｐ`.
///
/// RFC 5802 §2.2 names SASLprep for SCRAM and most clients compute with it; OpaqueString is what RFC 8265 put in its
/// place. So keys are derived from the first and a password that is kept as it is has the second, and a client that
/// sends its password gets in with either.
/// It has no description, so that no log line, error or crash report can show it.
public struct Password: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Bytes of UTF-8 of a new password, and of one that has to be prepared: a longer one is refused before its
    /// characters are looked at. PLAIN must take 255 (RFC 4616 §2), SCRAM names no bound (RFC 5802 §5.1), and
    /// XEP-0077 none either. ASCII is compared as it is and may be longer, since a token may stand for a password.
    public static let longest = 1023

    /// The password after OpaqueString, or after SASLprep if the former allows it none.
    public let bytes: [UInt8]
    /// The password after SASLprep, where that is something else.
    private let saslprep: [UInt8]?

    /// Prepares what a client sent to log in; `nil` for what cannot be a password.
    public init?(given text: String) {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) {
            guard !text.isEmpty else { return nil }
            self.init(ascii: text)
            return
        }
        guard text.utf8.count <= Self.longest, let first = PRECIS.opaqueString(text) ?? SASLprep.prepared(text) else {
            return nil
        }
        self.init(prepared: first)
    }

    /// Prepares what is to be an account's password from now on; `nil` for what cannot be one.
    public init?(new text: String) {
        guard text.utf8.count <= Self.longest else { return nil }
        self.init(given: text)
    }

    /// - Parameter prepared: the password after OpaqueString, or as somebody keeps it.
    public init(prepared: String) {
        bytes = Array(prepared.utf8)
        let other = SASLprep.prepared(prepared).map { Array($0.utf8) }
        saslprep = other == bytes ? nil : other
    }

    private init(ascii: String) {
        bytes = Array(ascii.utf8)
        saslprep = nil
    }

    /// What keys are derived from.
    var keyForm: [UInt8] { saslprep ?? bytes }

    /// The forms by which it may be known, that of keys first: two only where they differ, so that trying both costs
    /// nearly everybody nothing.
    var forms: [[UInt8]] { saslprep.map { [$0, bytes] } ?? [bytes] }

    /// Whether a password that somebody keeps as it is is this one, whichever way the client prepared it. Takes a time
    /// that depends on lengths only.
    public func isSame(as kept: Password) -> Bool {
        var isSame = false
        for one in forms {
            for other in kept.forms where ScramHash.isEqual(one, other) { isSame = true }
        }
        return isSame
    }

    public var description: String { "(password)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
