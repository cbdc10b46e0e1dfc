private import CUnistring

/// Characters that a name may have beside certain others only (RFC 5892, appendix A).
struct ContextRules {
    private let scalars: [Unicode.Scalar]

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// Whether a character needs a context.
    static func concern(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00b7, 0x0375, 0x05f3, 0x05f4, 0x0660...0x0669, 0x06f0...0x06f9, 0x200c, 0x200d, 0x30fb: true
        default: false
        }
    }

    /// Whether each such character has the context it needs.
    var areKept: Bool {
        scalars.indices.allSatisfy { !Self.concern(scalars[$0]) || isAllowed(at: $0) }
    }

    private func isAllowed(at index: Int) -> Bool {
        let before = index > 0 ? scalars[index - 1] : nil
        let after = index + 1 < scalars.count ? scalars[index + 1] : nil
        switch scalars[index].value {
        case 0x200c: return isVirama(before) || isBetweenJoining(index)
        case 0x200d: return isVirama(before)
        case 0x00b7: return before == "l" && after == "l"
        case 0x0375: return isOf("Greek", after)
        case 0x05f3, 0x05f4: return isOf("Hebrew", before)
        case 0x30fb: return scalars.contains { isOf("Hiragana", $0) || isOf("Katakana", $0) || isOf("Han", $0) }
        case 0x0660...0x0669: return !scalars.contains { (0x06f0...0x06f9).contains($0.value) }
        default: return !scalars.contains { (0x0660...0x0669).contains($0.value) }
        }
    }

    private func isVirama(_ scalar: Unicode.Scalar?) -> Bool {
        scalar?.properties.canonicalCombiningClass == .virama
    }

    /// The zero width non-joiner stands between letters that would join (RFC 5892 §A.1).
    private func isBetweenJoining(_ index: Int) -> Bool {
        let transparent = Int(UC_JOINING_TYPE_T)
        let before = scalars[..<index].last { joining($0) != transparent }
        let after = scalars[(index + 1)...].first { joining($0) != transparent }
        guard let before, let after else { return false }
        let (left, right, dual) = (Int(UC_JOINING_TYPE_L), Int(UC_JOINING_TYPE_R), Int(UC_JOINING_TYPE_D))
        return [left, dual].contains(joining(before)) && [right, dual].contains(joining(after))
    }

    private func joining(_ scalar: Unicode.Scalar) -> Int { Int(uc_joining_type(scalar.value)) }

    private func isOf(_ script: String, _ scalar: Unicode.Scalar?) -> Bool {
        guard let scalar, let found = uc_script(scalar.value) else { return false }
        return String(cString: found.pointee.name) == script
    }
}
