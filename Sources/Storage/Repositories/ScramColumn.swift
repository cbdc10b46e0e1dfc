/// The bytes of the column `scram`: the keys of all hashes in one value, so that a login reads one row and nothing else.
///
/// Format 1: byte 1; then per hash, in the order of `CredentialHash`: its number (1 = SHA-1, 2 = SHA-224, 3 = SHA-256, 4 = SHA-384,
/// 5 = SHA-512), iterations (4 bytes, big endian), and salt, stored key, server key, each after its length in one byte.
enum ScramColumn {
    private static let format: UInt8 = 1

    /// Nil when a field is longer than 255 bytes or an iteration count does not fit 32 bits.
    static func encode(_ keys: [CredentialHash: ScramKeys]) -> [UInt8]? {
        var bytes = [format]
        for (number, hash) in zip(UInt8(1)..., CredentialHash.allCases) {
            guard let keys = keys[hash] else { continue }
            guard let iterations = UInt32(exactly: keys.iterations) else { return nil }
            bytes.append(number)
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: iterations >> shift)) }
            for field in [keys.salt, keys.storedKey, keys.serverKey] {
                guard let length = UInt8(exactly: field.count) else { return nil }
                bytes.append(length)
                bytes += field
            }
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8]) throws(StorageError) -> [CredentialHash: ScramKeys] {
        guard bytes.first == format else { throw damaged }
        var keys: [CredentialHash: ScramKeys] = [:]
        var rest = bytes.dropFirst()
        while let number = rest.popFirst() {
            guard number >= 1, number <= CredentialHash.allCases.count, rest.count >= 4 else { throw damaged }
            let iterations = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            keys[CredentialHash.allCases[Int(number) - 1]] = ScramKeys(
                salt: try field(&rest), iterations: iterations, storedKey: try field(&rest), serverKey: try field(&rest))
        }
        return keys
    }

    private static func field(_ rest: inout ArraySlice<UInt8>) throws(StorageError) -> [UInt8] {
        guard let length = rest.popFirst(), rest.count >= length else { throw damaged }
        defer { rest = rest.dropFirst(Int(length)) }
        return Array(rest.prefix(Int(length)))
    }

    private static let damaged = StorageError.corrupt("the SCRAM keys of an account cannot be read")
}
