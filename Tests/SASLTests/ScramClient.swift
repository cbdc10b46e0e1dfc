@testable import SASL

/// The client's side of SCRAM, written from RFC 5802 with none of the server's code but the hashes: it says what an honest client says, and
/// each part of it may be made dishonest.
struct ScramClient {
    var hash = ScramHash.sha256
    var header = "n,,"
    var user = "romeo"
    var password = "pencil"
    var nonce = "clientnonce"
    var channelData: [UInt8] = []

    var bare: String { "n=\(user),r=\(nonce)" }
    var first: [UInt8] { bytes(header + bare) }

    /// The final message that answers `challenge`, and the signature a server owes for it.
    func final(_ challenge: String, extensions: String = "", nonce: String? = nil) -> (message: [UInt8], signature: String) {
        let fields = challenge.split(separator: ",")
        let salt = Base64.decode(String(fields[1].dropFirst(2))) ?? []
        let iterations = Int(fields[2].dropFirst(2)) ?? 0
        let salted = stretch(salt, iterations)
        let binding = Base64.encode(bytes(header) + channelData)
        let withoutProof = "c=\(binding),r=\(nonce ?? String(fields[0].dropFirst(2)))" + extensions
        let covered = bytes("\(bare),\(challenge),\(withoutProof)")
        let clientKey = mac(salted, bytes("Client Key"))
        let proof = zip(clientKey, mac(digest(clientKey), covered)).map { $0 ^ $1 }
        let signature = mac(mac(salted, bytes("Server Key")), covered)
        return (bytes("\(withoutProof),p=\(Base64.encode(proof))"), "v=" + Base64.encode(signature))
    }

    private func stretch(_ salt: [UInt8], _ iterations: Int) -> [UInt8] {
        var block = mac(bytes(password), salt + [0, 0, 0, 1])
        var result = block
        for _ in 1..<max(iterations, 1) {
            block = mac(bytes(password), block)
            for index in result.indices { result[index] ^= block[index] }
        }
        return result
    }

    private func mac(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] { hash.authenticate(message, key: key) ?? [] }

    private func digest(_ message: [UInt8]) -> [UInt8] { hash.digest(message) ?? [] }
}
