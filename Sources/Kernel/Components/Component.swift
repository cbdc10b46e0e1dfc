internal import Configuration
public import Network
internal import SharedState
internal import Telemetry
public import XML
public import XMPP

/// An external component that is connected to this worker: a program that serves one or more domains (XEP-0114).
@LoopActor
public final class Component {
    /// What the listener says of its components; a reload changes it for open streams, too.
    public struct Terms: Sendable, Equatable {
        /// The access rule that decides who may send to it; `all`: everybody.
        public var access: String
        /// Whether what it sends must be from its own domains.
        public var checksFrom: Bool
        /// Whether it is left out of service discovery.
        public var isHidden: Bool

        public nonisolated init(access: String, checksFrom: Bool, isHidden: Bool) {
            self.access = access
            self.checksFrom = checksFrom
            self.isHidden = isHidden
        }
    }

    /// The domains that it serves, the first of them the one that it named.
    public let domains: [String]
    public let connection: UInt64
    public private(set) var hasEnded = false
    public var inbox = StanzaInbox()
    private(set) var terms: Terms
    private unowned let server: Server
    private var stream: (any SessionStream)?
    private var unread = UnreadBound()

    init(_ domains: [String], connection: UInt64, terms: Terms, stream: any SessionStream, on server: Server) {
        self.domains = domains
        self.connection = connection
        self.terms = terms
        self.stream = stream
        self.server = server
    }

    public func apply(_ terms: Terms) {
        guard terms != self.terms, !hasEnded else { return }
        if terms.isHidden != self.terms.isHidden { server.components.setHidden(terms.isHidden, of: self) }
        self.terms = terms
    }

    // MARK: From the component

    /// Takes its next stanza, which has its turn after those before it.
    public func receive(_ element: Element) { admit(element, isInjected: false) }

    /// Whether it may send in this address's name.
    func maySend(from sender: JID) -> Bool { !terms.checksFrom || domains.contains(sender.domain) }

    // MARK: To the component

    /// Sends a stanza, unless its sender may not; one for a component that has ended is routed anew.
    func deliver(_ stanza: RenderedStanza) {
        guard let stream, !hasEnded else { return server.redeliver(stanza) }
        guard terms.access == "all" || isAdmitted(stanza) else { return }
        guard unread.admits(stream) else {
            overflow(stream)
            return server.redeliver(stanza)
        }
        stanza.bytes.withUnsafeBytes { stream.send($0) }
    }

    /// Takes note that the network has accepted all bytes.
    public func streamDidDrain() { unread.drain() }

    private func isAdmitted(_ stanza: RenderedStanza) -> Bool {
        guard let read = server.stanza(stanza.bytes), let sender = read.from else { return false }
        let configuration = server.configuration
        let host = server.host(sender.domain)?.domain ?? configuration.general.defaultServerDomain
        let subject = AccessSubject(local: sender.local, domain: sender.domain, resource: sender.resource)
        if configuration.access(rule: terms.access, for: subject, on: host) == .allow { return true }
        server.router.bounce(read, StanzaError(.notAllowed))
        return false
    }

    private func overflow(_ stream: any SessionStream) {
        server.counters.slowReadersClosed += 1
        Log.notice(
            "component does not read, closing its stream",
            [
                Field("component", jid), Field("queued_bytes", stream.queuedBytes), Field("queued_stanzas", unread.stanzas),
            ])
        close(StreamError(.resourceConstraint, text: "Too many stanzas are waiting for this component"))
    }

    // MARK: The end

    /// Gives its domains up; what waits for its turn is not handled any more.
    public func end() {
        guard !hasEnded else { return }
        hasEnded = true
        stream = nil
        inbox.removeAll()
        server.components.remove(self)
    }
}

extension Component: StanzaSource {
    public var jid: JID { JID.prepared(local: "", domain: domains.first ?? "") }
    public var session: Session? { nil }
    public var acknowledges: Bool { false }
    public func pauseReading() { stream?.pauseReading() }
    public func resumeReading() { stream?.resumeReading() }
    public func inboxDidAdvance() {}

    public func handle(_ element: Element) {
        server.currentStanza = CurrentStanza(element, of: connection)
        server.router.accept(element, from: self)
    }

    /// Ends the component and its stream, with an error or without one.
    public func close(_ error: StreamError?) {
        guard !hasEnded else { return }
        let stream = stream
        end()
        stream?.close(error)
    }
}
