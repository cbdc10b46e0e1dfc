public import Network
internal import SharedState
public import XML
public import XMPP

/// Another server, as the source of the stanzas that come in on one stream.
@LoopActor
public final class RemoteServer {
    /// The domain that it named first.
    public let jid: JID
    public private(set) var hasEnded = false
    public var inbox = StanzaInbox()
    private unowned let server: Server
    private var stream: (any SessionStream)?
    private let connection: UInt64
    /// Called when all that came has been handled.
    private var settled: (@LoopActor () -> Void)?

    public init(_ domain: String, connection: UInt64, stream: any SessionStream, on server: Server) {
        jid = JID.prepared(local: "", domain: domain)
        self.connection = connection
        self.stream = stream
        self.server = server
    }

    /// Takes the next stanza, which has its turn after those before it. Its addresses have been checked, and stand in the
    /// element.
    public func receive(_ element: Element) { admit(element, isInjected: false) }

    /// Calls `body` once all that has come so far has been handled; takes the place of a call that still waits.
    public func whenHandled(_ body: @escaping @LoopActor () -> Void) {
        if inbox.isSettled { body() } else { settled = body }
    }

    public func end() {
        hasEnded = true
        stream = nil
        inbox.removeAll()
        settled = nil
    }
}

extension RemoteServer: StanzaSource {
    public var session: Session? { nil }
    public var acknowledges: Bool { true }
    public func pauseReading() { stream?.pauseReading() }
    public func resumeReading() { stream?.resumeReading() }

    public func handle(_ element: Element) {
        server.currentStanza = CurrentStanza(element, of: connection)
        server.router.accept(element, from: self)
    }

    public func inboxDidAdvance() {
        guard inbox.isSettled, let body = settled else { return }
        settled = nil
        body()
    }

    public func close(_ error: StreamError?) { stream?.close(error) }
}
