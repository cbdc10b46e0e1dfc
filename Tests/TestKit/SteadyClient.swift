public import XML

/// A client such as people have, one of many on a loop: with stream management (XEP-0198) it survives its connections.
///
/// It connects again at once when a connection ends, and resumes its session. Where that fails it logs in anew, asks the
/// archive (XEP-0313) for what came after the last message it knows of, and sends again, with their ids, the messages
/// that were not acknowledged. What happens is told to its observer. All calls come and go on the loop's thread.
public final class SteadyClient: SocketOwner {
    public enum Event {
        /// There was no connection; `error` is what `errno` said.
        case refused(error: Int32)
        /// A connection ended before the server had sent its features.
        case unserved(error: Int32)
        /// A connection ended later.
        case disconnected(error: Int32, condition: String?)
        /// A new session, the number of which is `session`.
        case began
        case resumed
        /// The session cannot be resumed, or its stream was ended by the server for good.
        case lost(condition: String)
        /// A message is sent, or sent again.
        case sent(id: String)
        case acknowledged(id: String)
        case received(Element)
        /// A message of the archive, which was asked for `everything` or for what was missed.
        case archived(Element, everything: Bool)
        /// The archive has nothing more.
        case caughtUp(everything: Bool)
        /// What should not be: for the history.
        case odd(String)
    }

    private enum Stage {
        case offline, connecting, opening, authenticating, reopening, resuming, binding, enabling, online
    }

    public let user: String
    public let domain: String
    public var bare: String { "\(user)@\(domain)" }
    public private(set) var address = ""
    /// How many sessions it has had; those that were resumed count once.
    public private(set) var session = 0
    public weak var observer: (any SteadyClientObserver)?
    /// Whether a new session looks in the archive for what was missed.
    public var readsArchive = true
    public var isOnline: Bool { stage == .online }
    /// Whether it is online and has everything that it missed, and everything it sent is acknowledged.
    public var isCalm: Bool { isSettled && outgoing.stanzas.isEmpty }
    /// Whether it is online and has everything that it missed.
    public var isSettled: Bool { isOnline && query == nil }
    public var unacknowledgedCount: Int { outgoing.stanzas.count }

    private let loop: SocketLoop
    private let port: UInt16
    private let resource: String
    private var socket: LoopSocket?
    private var reader: ElementReader
    private var stage = Stage.offline
    private var hasLeft = false
    private var condition: String?

    /// What `<resume/>` names; nil if there is nothing to resume.
    private var resumption: String?
    /// How many stanzas of the session have come.
    private var handled: UInt32 = 0
    private var outgoing = UnacknowledgedStanzas()
    /// When an acknowledgement was asked for that has not come.
    private var askedAt: Int64?
    private var sinceAsked = 0

    private var query: ArchiveQuery?
    private var lastArchived: String?
    private var lastIQ = 0

    /// A user whose password is its name. The parser may be shared by all clients of a loop.
    public init(
        _ user: String, domain: String, resource: String, on loop: SocketLoop, port: UInt16, parser: ElementParser
    ) {
        self.user = user
        self.domain = domain
        self.resource = resource
        self.loop = loop
        self.port = port
        reader = ElementReader(parser)
    }

    // MARK: What it is told

    public func start() {
        connect()
        tick()
    }

    /// Loses the connection, as somebody in a tunnel does.
    public func cut() {
        guard stage != .offline else { return }
        socket?.cut()
        // Whatever it was waiting for: that was not the server's doing.
        if stage == .connecting || stage == .opening { stage = .authenticating }
        over(error: 0)
    }

    /// Ends the session for good.
    public func leave() {
        hasLeft = true
        socket?.send("</stream:stream>")
        socket?.close()
        (socket, stage) = (nil, .offline)
    }

    /// Sends a message, sooner or later, until it is acknowledged.
    /// - Parameter text: the stanza, as a session sends it.
    public func send(id: String, _ text: @escaping (Int) -> String) {
        let stanza = UnacknowledgedStanzas.Stanza(id: id, text: text)
        outgoing.stanzas.append(stanza)
        guard isOnline else { return }
        transmit(stanza)
        sinceAsked += 1
        if sinceAsked >= 4 { ask() }
    }

    /// Reads the whole archive.
    public func fetchArchive() {
        query = ArchiveQuery(everything: true)
        if isOnline { sendQuery() }
    }

    // MARK: The connection

    private func connect() {
        stage = .connecting
        condition = nil
        askedAt = nil
        reader.restart()
        socket = loop.connect(port: port, self)
    }

    public func socketOpened() { open(.opening) }

    private func open(_ next: Stage) {
        stage = next
        reader.restart()
        socket?.send(
            "<?xml version='1.0'?><stream:stream to='\(domain)' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        )
    }

    public func socketEnded(error: Int32) { over(error: error) }

    private func over(error: Int32) {
        let last = stage
        stage = .offline
        socket = nil
        switch last {
        case .connecting: observer?.client(self, .refused(error: error))
        case .opening: observer?.client(self, .unserved(error: error))
        default: observer?.client(self, .disconnected(error: error, condition: condition))
        }
        guard !hasLeft else { return }
        // At once, unless the last attempt came to nothing.
        loop.after(milliseconds: last == .online ? 0 : 50) { [weak self] in
            if let self, stage == .offline, !hasLeft { connect() }
        }
    }

    public func socketReceived(_ bytes: UnsafeRawBufferPointer) {
        do {
            for part in try reader.read(bytes) where stage != .offline {
                switch part {
                case .header: break
                case .element(let element): take(element)
                case .footer:
                    socket?.close()
                    over(error: 0)
                }
            }
        } catch {
            observer?.client(self, .odd("not XML: \(error): \(String(decoding: bytes, as: UTF8.self))"))
            cut()
        }
    }

    // MARK: The stream

    private func take(_ element: Element) {
        if element.is("error", "http://etherx.jabber.org/streams") {
            condition = element.child(in: "urn:ietf:params:xml:ns:xmpp-streams")?.name ?? "none"
            return
        }
        switch stage {
        case .offline, .connecting: break
        case .opening:
            let message = Base64.encode([0] + Array(user.utf8) + [0] + Array(user.utf8))
            socket?.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(message)</auth>")
            stage = .authenticating
        case .authenticating:
            guard element.isNamed("success") else { return giveUp("cannot log in: \(element)") }
            open(.reopening)
        case .reopening:
            guard element.has("sm", Self.management) else { return giveUp("no stream management: \(element)") }
            guard let resumption else { return bind() }
            stage = .resuming
            socket?.send("<resume xmlns='\(Self.management)' h='\(handled)' previd='\(resumption)'/>")
        case .resuming: resumptionAnswered(element)
        case .binding:
            guard let jid = element.child("bind", "urn:ietf:params:xml:ns:xmpp-bind")?.child("jid")?.text else {
                return giveUp("not bound: \(element)")
            }
            address = jid
            session += 1
            if readsArchive, session > 1, query == nil { query = ArchiveQuery(everything: false, after: lastArchived) }
            stage = .enabling
            socket?.send("<enable xmlns='\(Self.management)' resume='true'/>")
        case .enabling:
            // A stanza for this session may come earlier; it is not counted.
            guard element.isIn(Self.management) else { return takeStanza(element) }
            guard element.isNamed("enabled") else { return giveUp("not enabled: \(element)") }
            begin(element)
        case .online: takeOnline(element)
        }
    }

    private static let management = "urn:xmpp:sm:3"

    private func giveUp(_ why: String) {
        observer?.client(self, .odd(why))
        cut()
    }

    private func bind() {
        stage = .binding
        socket?.send(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>\(resource)</resource></bind></iq>")
    }

    private func resumptionAnswered(_ element: Element) {
        let count = element["h"].flatMap(UInt32.init)
        switch (element.name, count) {
        case ("resumed", let count?):
            acknowledge(count)
            stage = .online
            observer?.client(self, .resumed)
            for stanza in outgoing.stanzas { transmit(stanza) }
            if !outgoing.stanzas.isEmpty { ask() }
        case ("failed", _):
            if let count { acknowledge(count) }
            resumption = nil
            observer?.client(self, .lost(condition: element.firstChild?.name ?? "none"))
            bind()
        default: giveUp("no answer to a resumption: \(element)")
        }
    }

    private func begin(_ enabled: Element) {
        let canResume = enabled["resume"] == "true" || enabled["resume"] == "1"
        resumption = canResume ? enabled["id"] : nil
        if resumption == nil { observer?.client(self, .odd("cannot be resumed: \(enabled)")) }
        handled = 0
        stage = .online
        observer?.client(self, .began)
        let again = outgoing.beginAnew()
        sendOnce("<presence/>")
        if query != nil { sendQuery() }
        for stanza in again {
            outgoing.stanzas.append(stanza)
            transmit(stanza)
        }
        ask()
    }

    // MARK: Acknowledgements

    private func transmit(_ stanza: UnacknowledgedStanzas.Stanza) {
        if let id = stanza.id { observer?.client(self, .sent(id: id)) }
        socket?.send(stanza.text(session))
    }

    private func sendOnce(_ text: String) {
        let stanza = UnacknowledgedStanzas.Stanza(id: nil) { _ in text }
        outgoing.stanzas.append(stanza)
        transmit(stanza)
    }

    private func ask() {
        sinceAsked = 0
        guard askedAt == nil else { return }
        askedAt = Deadline.now
        socket?.send("<r xmlns='\(Self.management)'/>")
    }

    private func acknowledge(_ count: UInt32) {
        guard let done = outgoing.acknowledge(count) else {
            observer?.client(self, .odd("\(count) acknowledged, of \(outgoing.stanzas.count) after \(outgoing.acknowledged)"))
            return
        }
        for id in done { observer?.client(self, .acknowledged(id: id)) }
    }

    /// Asks for acknowledgements that nothing else asks for, and notices a server that is silent.
    private func tick() {
        loop.after(milliseconds: 500) { [weak self] in
            guard let self, !hasLeft else { return }
            if let askedAt, isOnline, Deadline.now - askedAt > 15_000 {
                observer?.client(self, .odd("the server has been silent for 15 s"))
                cut()
            } else if isOnline, !outgoing.stanzas.isEmpty {
                ask()
            }
            tick()
        }
    }

    // MARK: Stanzas

    private func takeOnline(_ element: Element) {
        if element.isIn(Self.management) {
            switch element.name {
            case "r": socket?.send("<a xmlns='\(Self.management)' h='\(handled)'/>")
            case "a":
                askedAt = nil
                if let count = element["h"].flatMap(UInt32.init) { acknowledge(count) }
                if sinceAsked > 0 { ask() }
            default: observer?.client(self, .odd("unexpected: \(element)"))
            }
            return
        }
        handled &+= 1
        takeStanza(element)
    }

    private func takeStanza(_ element: Element) {
        switch element.name {
        case "message": takeMessage(element)
        case "iq": takeIQ(element)
        default: break
        }
    }

    private func takeMessage(_ message: Element) {
        if let result = message.child("result", ArchiveQuery.namespace) {
            guard let query, result["queryid"] == query.id else { return }
            guard let inner = result.child("forwarded", "urn:xmpp:forward:0")?.child("message", "jabber:client") else {
                observer?.client(self, .odd("not a result: \(message)"))
                return
            }
            observer?.client(self, .archived(inner, everything: query.everything))
            return
        }
        // While something is missing, what comes now must not hide it.
        if query == nil, let stamp = message.child("stanza-id", "urn:xmpp:sid:0"), stamp["by"] == bare {
            lastArchived = stamp["id"]
        }
        observer?.client(self, .received(message))
    }

    private func takeIQ(_ iq: Element) {
        guard let id = iq["id"], id == query?.id else {
            if iq["type"] == "get" || iq["type"] == "set" {
                let to = iq["from"].map { " to='\($0)'" } ?? ""
                sendOnce(
                    "<iq type='error' id='\(iq["id"] ?? "")'\(to)><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
                )
            }
            return
        }
        guard let fin = iq.child("fin", ArchiveQuery.namespace) else { return queryFailed(iq) }
        let last = fin.child("set", "http://jabber.org/protocol/rsm")?.child("last")?.text
        if let last { query?.after = last }
        guard fin["complete"] != "true", last != nil else {
            let everything = query!.everything
            if let last = query?.after { lastArchived = last }
            query = nil
            observer?.client(self, .caughtUp(everything: everything))
            return
        }
        sendQuery()
    }

    /// The last message that it knows of may be one that was not committed when a worker died: then everything is read.
    private func queryFailed(_ iq: Element) {
        let condition = iq.child("error")?.firstChild?.name ?? "none"
        guard condition == "item-not-found", query?.after != nil else {
            observer?.client(self, .odd("no archive: \(iq)"))
            loop.after(milliseconds: 500) { [weak self] in if let self, isOnline, query != nil { sendQuery() } }
            return
        }
        observer?.client(self, .odd("the archive does not know \(query?.after ?? "")"))
        query?.after = nil
        sendQuery()
    }

    private func sendQuery() {
        lastIQ += 1
        query?.id = "archive\(lastIQ)"
        if let query { sendOnce(query.text) }
        ask()
    }
}
