internal import Kernel
internal import Network
internal import Streams
internal import XML

/// What a reload asks of a connection, and tells it.
extension ClientConnection: PeerStream {
    var hasSession: Bool { session != nil }
    var isClosed: Bool { stream.isClosed }

    /// Whether this is a stream to that host which has not ended.
    func isOpen(to host: Host) -> Bool { self.host === host && !stream.isClosed }

    /// Options of the listener are others: those that hold for open streams, too, are followed.
    func followOptions() {
        guard !stream.isClosed, let host else { return }
        connection.setRate(listener.rate(of: session?.jid, on: host))
        if session != nil { framer.limits = listener.limits }
    }
}
