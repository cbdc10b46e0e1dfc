/// SCRAM keys as one line of text, in the form in which MongooseIM keeps them in databases and web services do for it:
///
///     ==MULTI_SCRAM==,ITERATIONS,===SHA1===SALT|STORED KEY|SERVER KEY,==SHA256==SALT|STORED KEY|SERVER KEY…
///
/// Salts and keys are base 64. Two older forms are read as well: `==MULTI_SCRAM==,SALT,ITERATIONS,===SHA1===STORED|SERVER…`
/// and, with SHA-1 alone, `==SCRAM==,STORED KEY,SERVER KEY,SALT,ITERATIONS`.
public enum SerializedCredentials {
    private static let single = "==SCRAM==,"
    private static let several = "==MULTI_SCRAM==,"

    /// What stands before the keys of a hash.
    private static func label(_ hash: ScramHash) -> String {
        switch hash {
        case .sha1: "===SHA1==="
        case .sha224: "==SHA224=="
        case .sha256: "==SHA256=="
        case .sha384: "==SHA384=="
        case .sha512: "==SHA512=="
        }
    }

    /// Whether a text claims to be one; any other may be a password.
    public static func isOne(_ text: String) -> Bool { text.hasPrefix(single) || text.hasPrefix(several) }

    /// The line of these keys, which share an iteration count.
    /// - Returns: nil for no keys, or for different counts.
    public static func encode(_ keys: [ScramHash: ScramCredentials]) -> String? {
        let counts = Set(keys.values.map(\.iterations))
        guard counts.count == 1, let iterations = counts.first else { return nil }
        var line = "\(several)\(iterations)"
        for hash in ScramHash.allCases {
            guard let own = keys[hash] else { continue }
            let parts = [own.salt, own.storedKey, own.serverKey].map { Base64.encode($0) }
            line += ",\(label(hash))\(parts.joined(separator: "|"))"
        }
        return line
    }

    /// The keys in a line; nil unless all of it can be read and there is at least one.
    public static func decode(_ text: String) -> [ScramHash: ScramCredentials]? {
        if text.hasPrefix(single) { return decodeSingle(text.dropFirst(single.count)) }
        guard text.hasPrefix(several) else { return nil }
        var parts = text.dropFirst(several.count).split(separator: ",", omittingEmptySubsequences: false)
        guard let first = parts.first else { return nil }
        parts.removeFirst()
        // A number first, or the salt of all of them and then the number.
        if let iterations = Int(first) { return decode(parts, salt: nil, iterations) }
        guard let salt = Base64.decode(String(first)), let second = parts.first, let iterations = Int(second) else { return nil }
        parts.removeFirst()
        return decode(parts, salt: salt, iterations)
    }

    private static func decodeSingle(_ text: Substring) -> [ScramHash: ScramCredentials]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let iterations = Int(parts[3]), let salt = Base64.decode(parts[2]) else { return nil }
        return credentials(.sha1, salt, iterations, parts[0], parts[1]).map { [.sha1: $0] }
    }

    private static func decode(_ parts: [Substring], salt: [UInt8]?, _ iterations: Int) -> [ScramHash: ScramCredentials]? {
        var keys: [ScramHash: ScramCredentials] = [:]
        for part in parts {
            guard let hash = ScramHash.allCases.first(where: { part.hasPrefix(label($0)) }) else { return nil }
            let fields = part.dropFirst(label(hash).count).split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == (salt == nil ? 3 : 2), let own = salt ?? Base64.decode(fields[0]) else { return nil }
            guard let made = credentials(hash, own, iterations, fields[fields.count - 2], fields[fields.count - 1])
            else { return nil }
            keys[hash] = made
        }
        return keys.isEmpty ? nil : keys
    }

    private static func credentials(
        _ hash: ScramHash, _ salt: [UInt8], _ iterations: Int, _ stored: String, _ server: String
    ) -> ScramCredentials? {
        guard let storedKey = Base64.decode(stored), let serverKey = Base64.decode(server) else { return nil }
        return ScramCredentials(hash: hash, salt: salt, iterations: iterations, storedKey: storedKey, serverKey: serverKey)
    }
}
