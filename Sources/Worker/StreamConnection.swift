internal import Kernel
internal import Network
internal import Streams
internal import XML
internal import XMPP

/// A stream over TCP, with TLS, compression and the PROXY protocol below it: bytes become parts of one document, and each
/// part is the driver's.
@LoopActor
final class StreamConnection {
    let connection: Connection
    /// Whom the parts go to; nil when the connection is over.
    var driver: (any StreamDriver)?
    private var framing: DocumentFraming
    /// Reads the elements of all connections, and what is no element.
    private let parser: ElementParser
    private let headerParser: ElementParser
    /// Bytes that came while an answer was awaited, or that the turn of the loop had no time for.
    private var unparsed: [UInt8] = []
    /// `unparsed` is read on in the next turn of the loop; nothing is received before.
    private var isYielding = false
    /// The session wants nothing to be received.
    private var isPausedBySession = false
    /// The peer has ended behind what is read in the next turn.
    private var endsAfterParsing = false
    /// When anything last came or went, in milliseconds of `Loop.now`; 0 once the connection hibernates.
    private var lastTraffic: Int64 = 0
    /// Compression is to begin; it does as soon as it is known what stands behind the request.
    private var inflationLimit: Int?

    /// - Parameter content: the default namespace of the peer's stream.
    init(
        _ connection: Connection, limits: Limits, content: String = Namespace.client, parser: ElementParser,
        headerParser: ElementParser
    ) {
        self.connection = connection
        self.parser = parser
        self.headerParser = headerParser
        framing = DocumentFraming(limits: limits, content: content)
    }

    // MARK: Parts of the stream

    private func parse(_ bytes: UnsafeRawBufferPointer, _ driver: any StreamDriver) {
        var at = 0
        while at < bytes.count {
            switch driver.progress {
            case .closed: return
            case .waiting: return hold(bytes, from: at)
            case .ready: break
            }
            let isSecure = connection.isSecure
            do throws(Malformed) {
                switch try framing.next(bytes, from: at) {
                case .incomplete: return
                case .part(let part, let start, let end):
                    at = end
                    try handle(part, UnsafeRawBufferPointer(rebasing: bytes[start..<end]), driver)
                }
            } catch {
                framing.discard()
                return driver.receivedMalformed(error)
            }
            // What came in the clear behind the request for TLS counts for nothing (RFC 6120 §5.3.3).
            if connection.isSecure != isSecure { return }
            if let limit = inflationLimit {
                inflationLimit = nil
                return connection.startCompression(limit: limit, behind: UnsafeRawBufferPointer(rebasing: bytes[at...]))
            }
            if at < bytes.count, TurnClock.isOver, driver.progress == .ready { return yield(bytes, from: at) }
        }
    }

    /// Leaves the rest to the next turn of the loop: many small stanzas come in one piece.
    private func yield(_ bytes: UnsafeRawBufferPointer, from at: Int) {
        hold(bytes, from: at)
        guard !isYielding else { return }
        isYielding = true
        Loop.submit { self.goOn() }
    }

    private func goOn() {
        guard isYielding else { return }
        isYielding = false
        if driver?.progress == .ready { parseHeld() }
        endIfParsed()
    }

    private func parseHeld() {
        guard let driver else { return }
        let waiting = unparsed
        unparsed = []
        waiting.withUnsafeBytes { parse($0, driver) }
        driver.receivedAll()
        if !isPausedBySession { resumeReading() }
    }

    private func endIfParsed() {
        guard endsAfterParsing, !isYielding else { return }
        endsAfterParsing = false
        connectionEnded(connection)
    }

    private func hold(_ bytes: UnsafeRawBufferPointer, from at: Int) {
        if at < bytes.count { unparsed.append(contentsOf: bytes[at...]) }
        connection.pauseReading()
    }

    private func handle(
        _ part: StanzaFramer.Part, _ bytes: UnsafeRawBufferPointer, _ driver: any StreamDriver
    ) throws(Malformed) {
        guard let whole = framing.completed(with: bytes) else { return try read(part, bytes, driver) }
        try whole.withUnsafeBufferPointer { (whole) throws(Malformed) in
            try read(part, UnsafeRawBufferPointer(whole), driver)
        }
    }

    private func read(
        _ part: StanzaFramer.Part, _ bytes: UnsafeRawBufferPointer, _ driver: any StreamDriver
    ) throws(Malformed) {
        switch part {
        case .declaration: try headerParser.declaration(bytes)
        case .header: driver.receivedHeader(try framing.header(bytes, headerParser))
        case .element: if !driver.takes(bytes) { driver.receivedElement(try framing.element(bytes, parser)) }
        case .footer:
            guard framing.isFooter(bytes) else { throw .notWellFormed }
            driver.receivedFooter()
        }
    }
}

extension StreamConnection: ConnectionDelegate {
    func connection(_ connection: Connection, received bytes: UnsafeRawBufferPointer) {
        guard let driver else { return }
        switch driver.progress {
        case .closed: return
        case .waiting: return hold(bytes, from: 0)
        case .ready: if isYielding { return hold(bytes, from: 0) }
        }
        lastTraffic = Loop.turnBegan
        parse(bytes, driver)
        driver.receivedAll()
    }

    func connectionSecured(_ connection: Connection) { driver?.secured() }

    func connectionEnded(_ connection: Connection) {
        if isYielding { return endsAfterParsing = true }
        driver?.peerEnded()
        close()
    }

    func connectionDrained(_ connection: Connection) { driver?.drained() }

    /// What a peer is told whose compressed input cannot be read (XEP-0138).
    func connection(_ connection: Connection, cannotInflate problem: CompressionProblem) {
        switch problem {
        case .corrupt: driver?.end(.cannotDecompress)
        case .tooMuch: driver?.end(StreamError(.policyViolation, text: "Compressed input inflates to too much at once"))
        }
    }

    func connectionClosed(_ connection: Connection, reason: CloseReason) {
        let last = driver
        driver = nil
        last?.carrierClosed(reason)
    }
}

extension StreamConnection: StreamCarrier {
    var id: UInt64 { connection.id }
    var tls: TLSFacts? { connection.tls }
    var limits: Limits {
        get { framing.limits }
        set { framing.limits = newValue }
    }

    func open(_ header: ResponseHeader, language: String) { connection.write(StreamMarkup.header(header, language: language)) }
    func write(_ element: Element) { connection.write(StreamMarkup.element(element)) }
    func write(markup: [UInt8]) { connection.write(markup) }
    func restart() { framing.restart() }

    func startTLS(_ contexts: TLSContextSet) {
        framing.discard()
        unparsed = []
        connection.startTLS(contexts)
    }

    /// The same where the connection is ours.
    func callTLS(_ context: TLSContext, domain: String, isDirect: Bool) {
        framing.discard()
        unparsed = []
        connection.callTLS(context, domain: domain, isDirect: isDirect)
    }

    func startCompression(limit: Int) { inflationLimit = limit }

    func resumeParsing() {
        guard driver?.progress == .ready else { return }
        isYielding = false
        parseHeld()
        endIfParsed()
    }

    func setRate(_ bytesPerSecond: Int?) { connection.setRate(bytesPerSecond) }

    func hibernate(idleFor idle: Int64, now: Int64) {
        guard lastTraffic > 0, now - lastTraffic >= idle, connection.queuedBytes == 0 else { return }
        lastTraffic = 0
        framing.trim()
        if unparsed.isEmpty { unparsed = [] }
        connection.hibernate()
    }

    func finish(lingering: Int64) {
        connection.write("</stream:stream>")
        connection.close(afterFlush: true, lingering: lingering)
    }

    func close() { connection.close(afterFlush: true) }
    func drop() { connection.close(afterFlush: false) }

    // MARK: The stream under a session

    var address: String { connection.peer.ip }
    var isSecure: Bool { connection.isSecure }
    var queuedBytes: Int { connection.queuedBytes }
    var isBlocked: Bool { connection.isBlocked }
    var queueBound: Int? { driver?.queueBound }

    func send(_ bytes: UnsafeRawBufferPointer) {
        lastTraffic = Loop.turnBegan
        connection.write(bytes)
    }

    func close(_ error: StreamError?) { driver?.end(error) }
    func release(_ error: StreamError?) { driver?.release(error) }

    func pauseReading() {
        isPausedBySession = true
        connection.pauseReading()
    }

    func resumeReading() {
        isPausedBySession = false
        if driver?.progress != .waiting, !isYielding { connection.resumeReading() }
    }
}
