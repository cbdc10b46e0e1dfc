/// What all servers of a domain share so that each can tell which dialback keys another has made (XEP-0185).
public struct DialbackSecret: Sendable, Equatable {
    /// The hexadecimal text of the secret's digest, which is what keys the code of a key.
    private let digest: [UInt8]

    /// Nil only when the library refuses the algorithm or has no memory.
    public init?(_ secret: String) {
        guard let digest = ScramHash.sha256.digest(Array(secret.utf8)) else { return nil }
        self.digest = Array(Self.hexadecimal(digest).utf8)
    }

    /// The key by which `originating` shows on the stream `streamID` of `receiving` that it is that domain's; nil only
    /// when the library refuses the algorithm or has no memory.
    public func key(receiving: String, originating: String, streamID: String) -> String? {
        let facts = Array("\(receiving) \(originating) \(streamID)".utf8)
        return ScramHash.sha256.authenticate(facts, key: digest).map(Self.hexadecimal)
    }

    /// Whether a key is the one for these facts, in a time that says nothing about where it differs.
    public func made(_ key: String, receiving: String, originating: String, streamID: String) -> Bool {
        guard let expected = self.key(receiving: receiving, originating: originating, streamID: streamID) else { return false }
        return ScramHash.isEqual(Array(expected.utf8), Array(key.utf8))
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
