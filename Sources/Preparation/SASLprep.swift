/// Preparation of passwords by SASLprep (RFC 4013), which RFC 5802 §2.2 names for SCRAM and most clients use.
///
/// Other than OpaqueString it folds characters that only look different (`Ⅸ` is `IX`, `ｐ` is `p`) and takes soft
/// hyphens and joiners away. Characters that Unicode 3.2 did not have yet pass, as in the queries of RFC 3454 §7.
public enum SASLprep {
    /// The password as such clients compute with it; `nil` if it is empty or has a character it may not have.
    ///
    /// Takes time in proportion to the text, which the caller bounds.
    public static func prepared(_ text: String) -> String? {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text.isEmpty ? nil : text }
        var mapped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where !isDropped(scalar.value) {
            mapped.append(isSpace(scalar.value) ? " " : scalar)
        }
        guard let result = Normalization.compatibility.of(String(mapped)), !result.isEmpty,
            !result.unicodeScalars.contains(where: isProhibited), BidiRules.areKept(inString: result)
        else { return nil }
        return result
    }

    /// RFC 3454, table C.1.2: spaces that become the ordinary one.
    private static func isSpace(_ value: UInt32) -> Bool {
        switch value {
        case 0x00a0, 0x1680, 0x2000...0x200b, 0x202f, 0x205f, 0x3000: true
        default: false
        }
    }

    /// RFC 3454, table B.1: what is mapped to nothing. U+200B, which stands in both tables, is a space.
    private static func isDropped(_ value: UInt32) -> Bool {
        switch value {
        case 0x00ad, 0x034f, 0x1806, 0x180b...0x180d, 0x200c, 0x200d, 0x2060, 0xfe00...0xfe0f, 0xfeff: true
        default: false
        }
    }

    /// RFC 3454, tables C.2.1 to C.9 (RFC 4013 §2.3).
    private static func isProhibited(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isNoncharacterCodePoint || scalar.properties.generalCategory == .privateUse { return true }
        return switch scalar.value {
        case 0...0x1f, 0x7f...0x9f, 0x06dd, 0x070f, 0x180e, 0x200e, 0x200f, 0x2028...0x202e, 0x2061...0x2063,
            0x206a...0x206f, 0x2ff0...0x2ffb, 0x0340, 0x0341, 0xfff9...0xfffd, 0x1d173...0x1d17a, 0xe0001,
            0xe0020...0xe007f:
            true
        default: false
        }
    }
}
