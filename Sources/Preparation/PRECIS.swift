private import CUnistring

/// Preparation of names by PRECIS (RFC 8264): the two profiles that addresses and passwords use.
///
/// ASCII takes a short way; everything else goes through Unicode's tables, in time in proportion to the text, which the
/// caller bounds.
public enum PRECIS {
    /// UsernameCaseMapped (RFC 8265 §3.3): the same name however it was typed. `nil` if it may not be a name.
    public static func usernameCaseMapped(_ name: String) -> String? {
        if let ascii = asciiUsername(name) { return ascii.isEmpty ? nil : ascii }
        guard let narrow = narrowed(name) else { return nil }
        var mapped = String.UnicodeScalarView()
        for scalar in narrow.unicodeScalars {
            // The one character with a longer mapping is İ; of all others the library's table is the faster.
            if scalar != "\u{130}", let lower = Unicode.Scalar(uc_tolower(scalar.value)) {
                mapped.append(lower)
            } else {
                mapped.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        guard let result = Normalization.canonical.of(String(mapped)), !result.isEmpty,
            result.unicodeScalars.allSatisfy(isIdentifier), hasNoCompatibilityCharacters(result),
            BidiRules.areKept(inName: result), ContextRules.areKept(in: result.unicodeScalars)
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
        guard let result = Normalization.canonical.of(String(mapped)), !result.isEmpty,
            result.unicodeScalars.allSatisfy(isFreeform), ContextRules.areKept(in: result.unicodeScalars)
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

    /// The text with each run of fullwidth and halfwidth characters in its usual width (RFC 8265 §3.3.2).
    private static func narrowed(_ text: String) -> String? {
        guard text.unicodeScalars.contains(where: isWide) else { return text }
        var result = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            let usual = rest.prefix { !isWide($0) }
            result.append(contentsOf: usual)
            rest = rest[usual.endIndex...]
            let wide = rest.prefix(while: isWide)
            guard let narrow = Normalization.compatibility.of(String(wide)) else { return nil }
            result.append(contentsOf: narrow.unicodeScalars)
            rest = rest[wide.endIndex...]
        }
        return String(result)
    }

    /// HasCompat of RFC 8264 §9.17, for all characters of a text in NFC at once.
    private static func hasNoCompatibilityCharacters(_ text: String) -> Bool {
        Normalization.compatibility.of(text)?.utf8.elementsEqual(text.utf8) == true
    }

    /// The IdentifierClass of RFC 8264 §4.2, but for characters with another form (`hasNoCompatibilityCharacters`).
    private static func isIdentifier(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value > 0x20 && scalar.value < 0x7f }
        if let exception = exceptions[scalar.value] { return exception }
        if ContextRules.concern(scalar) { return true }  // looked at with its neighbours
        guard !isIgnorable(scalar), !isOldHangul(scalar) else { return false }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .otherLetter, .decimalNumber, .modifierLetter, .nonspacingMark,
            .spacingMark:
            return true
        default: return false
        }
    }

    /// The FreeformClass of RFC 8264 §4.3.
    private static func isFreeform(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7f }
        if let exception = exceptions[scalar.value] { return exception }
        if ContextRules.concern(scalar) { return true }  // looked at with its neighbours
        guard !isIgnorable(scalar), !isOldHangul(scalar) else { return false }
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

    /// Whether it is a noncharacter, or one that is shown as nothing (RFC 8264 §9.13).
    private static func isIgnorable(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        return value & 0xfffe == 0xfffe || (0xfdd0...0xfdef).contains(value)
            || uc_is_property_default_ignorable_code_point(value)
    }
    private static func isOldHangul(_ scalar: Unicode.Scalar) -> Bool {
        (0x1100...0x11ff).contains(scalar.value) || (0xa960...0xa97c).contains(scalar.value)
            || (0xd7b0...0xd7fb).contains(scalar.value)
    }
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value == 0x3000 || (0xff01...0xffee).contains(scalar.value)
    }
}
