internal import Kernel
internal import Network
internal import Telemetry
internal import XML
internal import XMPP

/// Elements that clients leave with the server are kept as the bytes that they are sent as.
extension Server {
    /// Reads back an element that was rendered for a client's stream.
    func stored(_ bytes: [UInt8], of user: JID) throws(StanzaError) -> Element {
        let element = bytes.withUnsafeBytes { bytes in
            try? parser.element(bytes, in: .client, limits: Limits(bytes: .max, depth: Limits.deepest, attributes: .max))
        }
        guard let element else {
            Log.error("a stored element cannot be read", [Field("user", user), Field("bytes", bytes.count)])
            throw StanzaError(.internalServerError)
        }
        return element
    }
}
