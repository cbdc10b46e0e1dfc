public import Network
public import XML
public import XMPP

/// A stream that stanzas come from, as the kernel sees it: a client's session is one.
///
/// One of its stanzas is handled at a time. While that waits, for storage or another worker, those that follow wait in the
/// inbox, and when the inbox is full, with the peer: so they stay in order, and memory is not the buffer.
@LoopActor
public protocol StanzaSource: AnyObject {
    /// The address that its stanzas are from.
    var jid: JID { get }
    /// The session that it is; nil for a source that is none.
    var session: Session? { get }
    var hasEnded: Bool { get }
    /// Whether the peer is told which of its stanzas were handled (XEP-0198 §4).
    var acknowledges: Bool { get }
    /// Changed by the kernel alone.
    var inbox: StanzaInbox { get set }
    /// Handles the stanza that has its turn.
    func handle(_ element: Element)
    /// Reads nothing from the peer until `resumeReading`; what was read before may still come.
    func pauseReading()
    func resumeReading()
    /// More stanzas may have been handled, and the inbox may have settled.
    func inboxDidAdvance()
    /// The last stanza that was suspended or waited has been handled.
    func inboxDidBecomeIdle()
    func close(_ error: StreamError?)
}

extension StanzaSource {
    public func inboxDidBecomeIdle() {}

    /// Opens a condition of the acknowledgement: the stanza that has its turn counts as handled only when it is fulfilled.
    public func deferAck() -> PendingAck { PendingAck(self, inbox.deferAck()) }

    func admit(_ element: Element, isInjected: Bool) {
        guard !hasEnded else { return }
        switch inbox.admit(element, isInjected: isInjected) {
        case .handle: handle(element)
        case .wait: break
        case .waitAndPauseReading: pauseReading()
        }
    }

    /// Suspends the inbox until `body`, the remainder of a stanza's path, is done: the stanzas that follow wait for it.
    func suspend(while body: @escaping @LoopActor () async -> Void) {
        inbox.suspend()
        let ack = deferAck()
        Loop.spawn { [self] in
            await body()
            ack.fulfill()
            resumeInbox()
        }
    }

    func fulfill(_ number: UInt32) {
        if inbox.fulfill(number) { inboxDidAdvance() }
    }

    private func resumeInbox() {
        inbox.endSuspension()
        handleWaiting()
    }

    /// Gives what waits its turn; in the next turn of the loop what there is no time for in this one.
    private func handleWaiting() {
        while let element = inbox.next() {
            handle(element)
            if TurnClock.isOver { return Loop.submit { self.handleWaiting() } }
        }
        if inbox.resumesReading() { resumeReading() }
        inboxDidAdvance()
        if inbox.isIdle { inboxDidBecomeIdle() }
    }
}
