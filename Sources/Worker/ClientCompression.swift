internal import Network
internal import Streams
internal import XMPP

/// What a client is told whose compressed input cannot be read (XEP-0138).
extension ClientConnection {
    func connection(_ connection: Connection, cannotInflate problem: CompressionProblem) {
        switch problem {
        case .corrupt: end(.cannotDecompress)
        case .tooMuch: end(StreamError(.policyViolation, text: "Compressed input inflates to too much at once"))
        }
    }
}
