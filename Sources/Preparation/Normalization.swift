private import CUnistring
private import Glibc

/// The two normalisation forms of Unicode that preparation uses (UAX #15).
enum Normalization {
    /// NFC and NFKC.
    case canonical, compatibility

    /// Nil if the library has no memory. Takes time in proportion to the text.
    func of(_ text: String) -> String? {
        var text = text
        return text.withUTF8 { utf8 in
            guard let base = utf8.baseAddress else { return "" }
            var length = 0
            let form = self == .canonical ? unistring_nfc() : unistring_nfkc()
            guard let result = u8_normalize(form, base, utf8.count, nil, &length) else { return nil }
            defer { free(result) }
            return String(decoding: UnsafeBufferPointer(start: result, count: length), as: UTF8.self)
        }
    }
}
