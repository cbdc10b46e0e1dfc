internal import Network
internal import SharedState
internal import Streams
public import XML
public import XMPP

/// A session that outlives its connection (XEP-0198 §5).
extension Session {
    /// The session's entry in the directory.
    var record: SessionRecord {
        SessionRecord(
            bare: jid.bareText, resource: jid.resource, slot: owner.slot, incarnation: owner.incarnation,
            connection: connection, priority: priority, flags: flags, since: since, address: address)
    }

    /// Enables stream management.
    /// - Returns: nil if it is enabled already, or the session has ended.
    public func enableAcknowledgements(_ terms: StreamManagementState.Terms, key: String) -> StreamManagementState? {
        guard streamManagement == nil, !hasEnded else { return nil }
        let streamManagement = StreamManagementState(terms, key: key, session: self)
        self.streamManagement = streamManagement
        return streamManagement
    }

    /// Takes a client's `<r/>` or `<a/>`; without stream management they mean nothing. A client that acknowledges more than it
    /// was sent is closed.
    public func receive(_ sign: StreamManagementNonza) {
        guard let streamManagement, !hasEnded else { return }
        switch sign {
        case .request: streamManagement.handleRequest(self)
        case .answer(let count):
            do throws(UnacknowledgedStanzas.TooHigh) {
                try streamManagement.acknowledge(count, self)
            } catch {
                close(StreamManagementXML.tooHigh(count, sent: error.sent))
            }
        }
    }

    /// Sends an element that is no stanza and is not counted (XEP-0360).
    public func sendNonza(_ element: Element) {
        element.rendered(within: Namespace.client).withUnsafeBytes { stream?.send($0) }
    }

    /// Stanzas that the client has not acknowledged, in bytes.
    public var unacknowledgedBytes: Int { streamManagement?.waiting.byteCount ?? 0 }
    /// Requests an acknowledgement at the end of the turn; without stream management it does nothing.
    public func requestAcknowledgement() { streamManagement?.requestAcknowledgement(self) }
    /// The highest number under which something is stored that was sent to this client.
    public var lastStored: Int64 { streamManagement?.waiting.lastReceipt ?? 0 }
    /// Whether a message for this client was stored under this number because the client took its time.
    public func hasStored(_ number: Int64) -> Bool { streamManagement?.unacked.has(row: number) == true }
    public var isAttached: Bool { stream != nil }

    /// Notes with each stanza that `body` sends the number under which it is stored until the client acknowledges it; without
    /// stream management it only runs `body`.
    public func stored(_ number: Int64, _ body: () -> Void) {
        if let streamManagement { streamManagement.stored(number, body) } else { body() }
    }

    func isResumable(with key: String) -> Bool {
        guard let streamManagement, streamManagement.isResumable, !hasEnded, !endsAfterInbox else { return false }
        let (one, other) = (Array(streamManagement.key.utf8), Array(key.utf8))
        guard one.count == other.count, !one.isEmpty else { return false }
        return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    // MARK: The connection comes and goes

    /// Takes note of a stream whose connection is gone without the stream's end. The session waits to be resumed, or ends if
    /// it cannot be.
    public func streamDidDisconnect(_ stream: any SessionStream) {
        guard !hasEnded, self.stream === stream else { return }
        self.stream = nil
        guard !endsAfterInbox else { return }
        guard let streamManagement, streamManagement.isResumable else { return endAfterInbox {} }
        startResumeTimer()
    }

    /// Gives up a connection behind which no client answers. The session waits to be resumed, or closes if it cannot be.
    public func detachOrClose(_ error: StreamError) {
        if streamManagement?.isResumable == true { detach(closingWith: error) } else { close(error) }
    }

    /// Ends the stream under the session, with an error; another connection is about to take its place.
    func detach(closingWith error: StreamError) {
        guard let stream else { return }
        self.stream = nil
        stream.release(error)
        startResumeTimer()
    }

    func startResumeTimer() {
        guard let streamManagement, let timeout = streamManagement.terms.resumeMilliseconds else { return end() }
        set(.detached, true)
        streamManagement.sessionDidDetach(self, for: timeout)
    }

    /// Goes on with this stream: what was not acknowledged is sent once more. The client has been told `resumed`.
    public func attach(_ stream: any SessionStream) {
        guard !hasEnded else { return }
        self.stream = stream
        address = stream.address
        let ofConnection: SessionFlags = stream.isSecure ? .secure : []
        update(flags: flags.subtracting([.detached, .secure]).union(ofConnection), priority: priority)
        streamManagement?.sessionDidAttach(self, stream)
        host.hooks.sessionResumed.tell(self)
    }
}

extension Server {
    /// Begins to move resumable sessions to another worker, where they wait for their clients, whose connections are closed
    /// without a stream error so that they come back. A session whose stanzas are being handled is no longer read and moves with
    /// a later call: the worker calls again until none is left.
    /// - Parameter limit: sessions that may begin to move with this call.
    /// - Returns: sessions that are still to begin.
    public func moveResumableSessions(to slot: UInt8, limit: Int = 500) -> Int {
        var (begun, remaining) = (0, 0)
        for session in Array(localSessions) where session.streamManagement?.isResumable == true {
            if !session.isPinned { session.pauseReading() }
            if begun < limit, migration.migrate(session, to: slot) { begun += 1 } else { remaining += 1 }
        }
        return remaining
    }

    /// Sessions that are on their way to another worker or still have something sent after them.
    public var sessionsOnTheMove: Int { migration.outgoingCount }

    /// Since when the first of those has been on the move, in milliseconds of `Loop.now`; nil if there is none.
    public var sessionsOnTheMoveSince: Int64? { migration.oldestOutgoing }
}
