private import CUnistring

/// What texts with right-to-left letters must keep to, by the profile that prepares them.
enum BidiRules {
    /// The Bidi rule for names (RFC 5893 §2).
    static func areKept(inName name: String) -> Bool {
        let classes = name.unicodeScalars.map { Int(uc_bidi_category($0.value)) }
        let (left, right, arabic) = (Int(UC_BIDI_L), Int(UC_BIDI_R), Int(UC_BIDI_AL))
        let (arabicNumber, number) = (Int(UC_BIDI_AN), Int(UC_BIDI_EN))
        guard classes.contains(where: { $0 == right || $0 == arabic || $0 == arabicNumber }) else { return true }
        guard let first = classes.first, first == right || first == arabic, !classes.contains(left) else { return false }
        guard !(classes.contains(arabicNumber) && classes.contains(number)) else { return false }
        let last = classes.last { $0 != Int(UC_BIDI_NSM) }
        return last == right || last == arabic || last == number || last == arabicNumber
    }

    /// The rule of stringprep (RFC 3454 §6).
    static func areKept(inString text: String) -> Bool {
        let classes = text.unicodeScalars.map { Int(uc_bidi_category($0.value)) }
        func isRight(_ category: Int?) -> Bool { category == Int(UC_BIDI_R) || category == Int(UC_BIDI_AL) }
        guard classes.contains(where: isRight) else { return true }
        return !classes.contains(Int(UC_BIDI_L)) && isRight(classes.first) && isRight(classes.last)
    }
}
