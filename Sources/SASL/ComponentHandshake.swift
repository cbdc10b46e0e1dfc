/// The handshake of an external component: the proof that it knows the password of its listener (XEP-0114 §3, step 3).
public enum ComponentHandshake {
    /// The lower-case hexadecimal digits of the SHA-1 of stream id and password; nil only when the library refuses the
    /// algorithm or has no memory.
    public static func proof(id: String, password: String) -> String? {
        let digits = Array("0123456789abcdef".utf8)
        return Digest.sha1(Array((id + password).utf8)).map { digest in
            String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        }
    }

    /// Whether what a component has sent is the proof, in a time that does not depend on where they differ.
    public static func isValid(_ sent: String, id: String, password: String) -> Bool {
        guard let proof = proof(id: id, password: password) else { return false }
        return ScramHash.isEqual(Array(sent.utf8), Array(proof.utf8))
    }
}
