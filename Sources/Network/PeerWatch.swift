internal import Glibc

/// Finds out that a peer is gone which says nothing: a machine without power sends no end.
extension Connection {
    /// Seconds without traffic before the kernel asks the peer's kernel whether it is still there.
    private static let probeAfterSeconds: CInt = 60
    /// Seconds between two such questions.
    private static let probeIntervalSeconds: CInt = 15
    /// Questions without an answer that end the connection.
    private static let probes: CInt = 4
    /// Milliseconds for which what was sent may be unconfirmed by the peer's kernel; then the connection ends.
    private static let unconfirmedMilliseconds: CInt = 120_000

    /// Has the kernel end the connection when the peer's machine does not answer (TCP keep-alive, RFC 1122 §4.2.3.6).
    public func watchPeer() {
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(CInt(IPPROTO_TCP), TCP_KEEPIDLE, Self.probeAfterSeconds)
        set(CInt(IPPROTO_TCP), TCP_KEEPINTVL, Self.probeIntervalSeconds)
        set(CInt(IPPROTO_TCP), TCP_KEEPCNT, Self.probes)
        set(CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, Self.unconfirmedMilliseconds)
    }

    private func set(_ level: CInt, _ option: CInt, _ value: CInt) {
        var value = value
        setsockopt(writeQueue.socket, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }
}
