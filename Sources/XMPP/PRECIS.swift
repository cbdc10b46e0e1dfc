private import CUnistring
private import Glibc

/// Preparation of names by PRECIS (RFC 8264): the two profiles that addresses and passwords use.
///
/// ASCII takes a short way; everything else goes through libunistring's Unicode tables.
public enum PRECIS {
    /// UsernameCaseMapped (RFC 8265 §3.3): the same name however it was typed. `nil` if it may not be a name.
    public static func usernameCaseMapped(_ name: String) -> String? {
        if let ascii = asciiUsername(name) { return ascii.isEmpty ? nil : ascii }
        var mapped = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            let narrow = isWide(scalar) ? Array((normalized(String(scalar), .compatibility) ?? "").unicodeScalars) : [scalar]
            for scalar in narrow { mapped.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars) }
        }
        guard let result = normalized(String(mapped), .canonical), !result.isEmpty,
            result.unicodeScalars.allSatisfy(isIdentifier), isBidiSound(result), ContextRules(result).areKept
        else { return nil }
        return result
    }

    /// OpaqueString (RFC 8265 §4.2): case and inner spaces are kept. `nil` if it is empty or has a forbidden character.
    public static func opaqueString(_ text: String) -> String? {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text.isEmpty ? nil : text }
        var mapped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            mapped.append(scalar.properties.generalCategory == .spaceSeparator ? " " : scalar)
        }
        guard let result = normalized(String(mapped), .canonical), !result.isEmpty,
            result.unicodeScalars.allSatisfy(isFreeform), ContextRules(result).areKept
        else { return nil }
        return result
    }

    /// Only ASCII and no character that needs a look: the name in lower case. `nil`: take the long way.
    private static func asciiUsername(_ name: String) -> String? {
        var hasUpper = false
        for byte in name.utf8 {
            guard byte > 0x20, byte < 0x7f else { return byte < 0x80 ? "" : nil }
            if byte >= 0x41, byte <= 0x5a { hasUpper = true }
        }
        return hasUpper ? name.lowercased() : name
    }

    /// The IdentifierClass of RFC 8264 §4.2.
    private static func isIdentifier(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value > 0x20 && scalar.value < 0x7f }
        if let exception = exceptions[scalar.value] { return exception }
        if ContextRules.concern(scalar) { return true }  // looked at with its neighbours
        guard isAssigned(scalar), !isIgnorable(scalar), !isOldHangul(scalar) else { return false }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .otherLetter, .decimalNumber, .modifierLetter, .nonspacingMark,
            .spacingMark:
            return normalized(String(scalar), .compatibility) == String(scalar)
        default: return false
        }
    }

    /// The FreeformClass of RFC 8264 §4.3.
    private static func isFreeform(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7f }
        if let exception = exceptions[scalar.value] { return exception }
        if ContextRules.concern(scalar) { return true }  // looked at with its neighbours
        guard isAssigned(scalar), !isIgnorable(scalar), !isOldHangul(scalar) else { return false }
        return switch scalar.properties.generalCategory {
        case .control, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .format: false
        default: true
        }
    }

    /// RFC 8264 §9.6, exceptions F, without the characters that need a context.
    private static let exceptions: [UInt32: Bool] = [
        0x00df: true, 0x03c2: true, 0x06fd: true, 0x06fe: true, 0x0f0b: true, 0x3007: true,
        0x0640: false, 0x07fa: false, 0x302e: false, 0x302f: false, 0x3031: false, 0x3032: false, 0x3033: false,
        0x3034: false, 0x3035: false, 0x303b: false,
    ]

    private static func isAssigned(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory != .unassigned && !scalar.properties.isNoncharacterCodePoint
    }
    private static func isIgnorable(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isDefaultIgnorableCodePoint || scalar.properties.isNoncharacterCodePoint
    }
    private static func isOldHangul(_ scalar: Unicode.Scalar) -> Bool {
        (0x1100...0x11ff).contains(scalar.value) || (0xa960...0xa97c).contains(scalar.value)
            || (0xd7b0...0xd7fb).contains(scalar.value)
    }
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value == 0x3000 || (0xff01...0xffee).contains(scalar.value)
    }

    /// The Bidi rule (RFC 5893 §2) for names with right-to-left letters.
    private static func isBidiSound(_ name: String) -> Bool {
        let classes = name.unicodeScalars.map { Int(uc_bidi_category($0.value)) }
        let (left, right, arabic) = (Int(UC_BIDI_L), Int(UC_BIDI_R), Int(UC_BIDI_AL))
        let (arabicNumber, number) = (Int(UC_BIDI_AN), Int(UC_BIDI_EN))
        guard classes.contains(where: { $0 == right || $0 == arabic || $0 == arabicNumber }) else { return true }
        guard let first = classes.first, first == right || first == arabic, !classes.contains(left) else { return false }
        guard !(classes.contains(arabicNumber) && classes.contains(number)) else { return false }
        let last = classes.last { $0 != Int(UC_BIDI_NSM) }
        return last == right || last == arabic || last == number || last == arabicNumber
    }

    private enum Form { case canonical, compatibility }

    private static func normalized(_ text: String, _ form: Form) -> String? {
        var text = text
        return text.withUTF8 { utf8 in
            guard let base = utf8.baseAddress else { return "" }
            var length = 0
            guard let result = u8_normalize(
                form == .canonical ? unistring_nfc() : unistring_nfkc(), base, utf8.count, nil, &length)
            else { return nil }
            defer { free(result) }
            return String(decoding: UnsafeBufferPointer(start: result, count: length), as: UTF8.self)
        }
    }
}
