/// Why a connection ended.
public enum CloseReason: Sendable, Equatable, CustomStringConvertible {
    /// We closed it.
    case local
    /// The peer said that it will send no more, and everything was answered.
    case peerClosed
    /// The network or the peer broke it; the system's error number, 0 if it named none.
    case broken(errno: Int32)
    /// The handshake failed, or a record was not what TLS allows.
    indirect case tls(TLSProblem)
    /// The peer did not take our last bytes, or did not close, by the linger deadline.
    case lingered
    /// No header of the PROXY protocol came in time, or what came was none.
    case noProxyHeader
    /// More bytes came while reading was paused than we keep (`Connection.heldLimit`).
    case inputOverflow

    public var description: String {
        switch self {
        case .local: "closed by us"
        case .peerClosed: "closed by the peer"
        case .broken(0): "connection lost"
        case .broken(let number): "connection lost (error \(number))"
        case .tls(let problem): problem.description
        case .lingered: "peer did not finish in time"
        case .noProxyHeader: "no PROXY protocol header (check proxy_protocol on both sides)"
        case .inputOverflow: "too much input while paused"
        }
    }
}
