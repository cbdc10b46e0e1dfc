private import CUnistring

/// Whether characters that a text may have beside certain others only stand there (RFC 5892, appendix A).
///
/// One pass over the text, and a second one where it has a katakana middle dot: a peer chooses what stands in it.
struct ContextRules {
    /// Whether a character needs a context.
    static func concern(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00b7, 0x0375, 0x05f3, 0x05f4, 0x0660...0x0669, 0x06f0...0x06f9, 0x200c, 0x200d, 0x30fb: true
        default: false
        }
    }

    /// Whether each such character has the context it needs.
    static func areKept(in scalars: some Collection<Unicode.Scalar>) -> Bool {
        guard scalars.contains(where: concern) else { return true }
        var rules = ContextRules()
        for scalar in scalars where !rules.takes(scalar) { return false }
        guard rules.isComplete else { return false }
        return !rules.hasMiddleDot || scalars.contains { isOf("Hiragana", $0) || isOf("Katakana", $0) || isOf("Han", $0) }
    }

    /// What the character before asks of the one that follows.
    private enum Demand { case none, letterL, greek }

    private var previous: Unicode.Scalar?
    private var demand = Demand.none
    /// The last joining type that is not transparent, and whether a non-joiner behind it waits for the next.
    private var joiningBefore = Int(UC_JOINING_TYPE_U)
    private var awaitsJoining = false
    private var hasMiddleDot = false
    private var hasArabicDigit = false
    private var hasExtendedDigit = false

    private var isComplete: Bool { demand == .none && !awaitsJoining && !(hasArabicDigit && hasExtendedDigit) }

    /// Goes on by one character; false if it, or one before it, has not the context it needs.
    private mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
        switch demand {
        case .none: break
        case .letterL: guard scalar == "l" else { return false }
        case .greek: guard Self.isOf("Greek", scalar) else { return false }
        }
        demand = .none
        guard isRightBefore(scalar) else { return false }
        let before = previous
        previous = scalar
        switch scalar.value {
        case 0x200c where Self.isVirama(before): break
        case 0x200c:
            guard [Int(UC_JOINING_TYPE_L), Int(UC_JOINING_TYPE_D)].contains(joiningBefore) else { return false }
            awaitsJoining = true
        case 0x200d: guard Self.isVirama(before) else { return false }
        case 0x00b7:
            guard before == "l" else { return false }
            demand = .letterL
        case 0x0375: demand = .greek
        case 0x05f3, 0x05f4: guard let before, Self.isOf("Hebrew", before) else { return false }
        case 0x30fb: hasMiddleDot = true
        case 0x0660...0x0669: hasArabicDigit = true
        case 0x06f0...0x06f9: hasExtendedDigit = true
        default: break
        }
        let joining = Int(uc_joining_type(scalar.value))
        if joining != Int(UC_JOINING_TYPE_T) { joiningBefore = joining }
        return true
    }

    /// The zero width non-joiner stands between letters that would join (RFC 5892 §A.1).
    private mutating func isRightBefore(_ scalar: Unicode.Scalar) -> Bool {
        guard awaitsJoining else { return true }
        let joining = Int(uc_joining_type(scalar.value))
        if joining == Int(UC_JOINING_TYPE_T) { return true }
        awaitsJoining = false
        return [Int(UC_JOINING_TYPE_R), Int(UC_JOINING_TYPE_D)].contains(joining)
    }

    private static func isVirama(_ scalar: Unicode.Scalar?) -> Bool {
        scalar?.properties.canonicalCombiningClass == .virama
    }

    private static func isOf(_ script: String, _ scalar: Unicode.Scalar) -> Bool {
        guard let found = uc_script(scalar.value) else { return false }
        return String(cString: found.pointee.name) == script
    }
}
