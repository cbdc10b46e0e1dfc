internal import Network
internal import SharedState
internal import Streams
public import XML
public import XMPP

/// A session that outlives its connection (XEP-0198 §5).
extension Session {
    /// What other workers know of it.
    var record: SessionRecord {
        SessionRecord(
            bare: jid.bareText, resource: jid.resource, slot: owner.slot, incarnation: owner.incarnation,
            connection: connection, priority: priority, flags: flags, since: since, address: address)
    }

    /// Begins to count. Nil: it has begun before.
    public func enableAcknowledgements(_ terms: StreamManagementState.Terms, key: String) -> StreamManagementState? {
        guard streamManagement == nil, !hasEnded else { return nil }
        let streamManagement = StreamManagementState(terms, key: key, session: self)
        self.streamManagement = streamManagement
        return streamManagement
    }

    /// Takes a request or an acknowledgement, if they were agreed on; whoever claims too much is at its end.
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

    /// Sends an element that is no stanza and is not counted.
    public func sendNonza(_ element: Element) {
        element.rendered(within: Namespace.client).withUnsafeBytes { stream?.send($0) }
    }

    /// Stanzas that the client has not acknowledged, in bytes.
    public var unacknowledgedBytes: Int { streamManagement?.waiting.byteCount ?? 0 }
    /// Asks the client what it has; of no effect without stream management.
    public func requestAcknowledgement() { streamManagement?.requestAcknowledgement(self) }
    /// The highest number under which something is stored that was sent to this client.
    public var lastStored: Int64 { streamManagement?.waiting.lastReceipt ?? 0 }
    /// Whether a message for this client was stored under this number because the client took its time.
    public func hasStored(_ number: Int64) -> Bool { streamManagement?.unacked.has(row: number) == true }
    public var isAttached: Bool { stream != nil }

    /// What is sent meanwhile is stored under this number until the client acknowledges it; of no effect without
    /// stream management.
    public func stored(_ number: Int64, _ body: () -> Void) {
        if let streamManagement { streamManagement.stored(number, body) } else { body() }
    }

    func isResumable(with key: String) -> Bool {
        guard let streamManagement, streamManagement.isResumable, !hasEnded else { return false }
        let (one, other) = (Array(streamManagement.key.utf8), Array(key.utf8))
        guard one.count == other.count, !one.isEmpty else { return false }
        return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    // MARK: The connection comes and goes

    /// The connection under a stream is gone without the stream's end: the session waits to be resumed, if it can be.
    public func streamDidDisconnect(_ stream: any SessionStream) {
        guard !hasEnded, self.stream === stream else { return }
        guard let streamManagement, streamManagement.isResumable else { return end() }
        self.stream = nil
        startResumeTimer()
    }

    /// Gives the connection up, as one behind which nobody is any more.
    public func detachOrClose(_ error: StreamError) {
        if streamManagement?.isResumable == true { detach(closingWith: error) } else { close(error) }
    }

    /// Another connection is about to take its place.
    func detach(closingWith error: StreamError) {
        guard let stream else { return }
        self.stream = nil
        stream.release(error)
        startResumeTimer()
    }

    func startResumeTimer() {
        guard let streamManagement, let timeout = streamManagement.terms.resumeTimeout else { return end() }
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
    /// Has sessions that can be resumed moved to another worker, where they wait for their clients; to be called again
    /// until there are none: one that is being worked on stops reading first. Their connections are closed without a
    /// word, so that clients come back.
    /// - Parameter limit: how many may begin to move now.
    /// - Returns: how many sessions are still to begin.
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
