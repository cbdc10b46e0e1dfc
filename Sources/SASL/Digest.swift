/// Digests that name things and protect nothing: a picture (XEP-0153), a set of capabilities (XEP-0115).
public enum Digest {
    /// The 20 bytes of SHA-1; nil only when the library refuses the algorithm or has no memory.
    public static func sha1(_ bytes: [UInt8]) -> [UInt8]? { ScramHash.sha1.digest(bytes) }
}
