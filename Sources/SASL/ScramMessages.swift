/// What a client says about channel binding in the GS2 header (RFC 5802 §6).
enum ChannelBindingFlag: Equatable {
    /// `n`: the client does not know it.
    case unsupported
    /// `y`: the client knows it but believes that the server does not.
    case unused
    /// `p=…`: the client binds to a channel of this type.
    case required(String)
}

/// `client-first-message` of RFC 5802 §7.
struct ScramClientFirst {
    let flag: ChannelBindingFlag
    let authzid: String?
    let user: String
    let nonce: String
    /// The GS2 header as it came: part of what the client repeats in `c=`.
    let header: [UInt8]
    /// `client-first-message-bare`: part of what the proof covers.
    let bare: [UInt8]

    /// Bytes of a client's nonce, at most. RFC 5802 names no bound; 18 to 32 are usual.
    static let nonceLimit = 512

    init(parsing bytes: [UInt8]) throws(SASLFailure) {
        let fields = try ScramFields(bytes)
        let parts = fields.parts
        guard parts.count >= 4 else { throw .malformed("too few fields in the first message") }
        flag = try Self.flag(parts[0])
        authzid = parts[1].isEmpty ? nil : try Self.unescape(fields.value(1, "a"))
        user = try Self.unescape(fields.value(2, "n"))
        nonce = try Self.checkedNonce(fields.value(3, "r"))
        guard !user.isEmpty else { throw .malformed("empty user name") }
        try fields.checkExtensions(from: 4, to: parts.count)
        header = Array(bytes[..<parts[2].startIndex])
        bare = Array(bytes[parts[2].startIndex...])
    }

    private static func flag(_ field: ArraySlice<UInt8>) throws(SASLFailure) -> ChannelBindingFlag {
        if field.elementsEqual([UInt8(ascii: "n")]) { return .unsupported }
        if field.elementsEqual([UInt8(ascii: "y")]) { return .unused }
        guard field.starts(with: [UInt8(ascii: "p"), UInt8(ascii: "=")]), field.count > 2 else {
            throw .malformed("no channel binding flag")
        }
        return .required(String(decoding: field.dropFirst(2), as: UTF8.self))
    }

    /// `printable`: visible ASCII but the comma, which the fields are split at already.
    private static func checkedNonce(_ value: ArraySlice<UInt8>) throws(SASLFailure) -> String {
        guard (1...nonceLimit).contains(value.count), value.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .malformed("unusable nonce")
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// `saslname`: `=2C` is a comma, `=3D` an equals sign, any other use of `=` is an error.
    private static func unescape(_ value: ArraySlice<UInt8>) throws(SASLFailure) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(value.count)
        var rest = value
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                result.append(byte)
                continue
            }
            switch (rest.popFirst(), rest.popFirst()) {
            case (UInt8(ascii: "2"), UInt8(ascii: "C")): result.append(UInt8(ascii: ","))
            case (UInt8(ascii: "3"), UInt8(ascii: "D")): result.append(UInt8(ascii: "="))
            default: throw .malformed("bad escape in a name")
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// `client-final-message` of RFC 5802 §7.
struct ScramClientFinal {
    /// What `c=` holds: the GS2 header and the channel's data.
    let binding: [UInt8]
    let nonce: ArraySlice<UInt8>
    let proof: [UInt8]
    /// `client-final-message-without-proof`: part of what the proof covers.
    let withoutProof: [UInt8]

    init(parsing bytes: [UInt8]) throws(SASLFailure) {
        let fields = try ScramFields(bytes)
        let last = fields.parts.count - 1
        guard last >= 2 else { throw .malformed("too few fields in the final message") }
        binding = try fields.base64(0, "c")
        nonce = try fields.value(1, "r")
        proof = try fields.base64(last, "p")
        try fields.checkExtensions(from: 2, to: last)
        withoutProof = Array(bytes[..<(fields.parts[last].startIndex - 1)])
    }
}

/// A SCRAM message cut at its commas, with access to fields by place and letter.
private struct ScramFields {
    let parts: [ArraySlice<UInt8>]

    init(_ bytes: [UInt8]) throws(SASLFailure) {
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else { throw .malformed("not UTF-8") }
        parts = bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    }

    /// The value of the field at `index`, which must be named `letter`.
    func value(_ index: Int, _ letter: Unicode.Scalar) throws(SASLFailure) -> ArraySlice<UInt8> {
        let part = parts[index]
        guard part.starts(with: [UInt8(ascii: letter), UInt8(ascii: "=")]) else {
            // A mandatory extension stands where the name should (RFC 5802 §5.1, `m`): none is known.
            throw .malformed("no \(letter)= where it should be")
        }
        return part.dropFirst(2)
    }

    /// The bytes of the base 64 field at `index`.
    func base64(_ index: Int, _ letter: Unicode.Scalar) throws(SASLFailure) -> [UInt8] {
        let value = try value(index, letter)
        guard let bytes = value.withUnsafeBytes({ Base64.decode($0) }) else {
            throw .malformed("bad base 64 in \(letter)=")
        }
        return bytes
    }

    /// Unknown optional extensions are ignored (RFC 5802 §5.1), but must look like attributes.
    func checkExtensions(from start: Int, to end: Int) throws(SASLFailure) {
        for part in parts[start..<end] {
            let bytes = Array(part.prefix(2))
            guard part.count > 2, bytes[1] == UInt8(ascii: "="), isLetter(bytes[0]) else {
                throw .malformed("bad extension")
            }
        }
    }

    private func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
