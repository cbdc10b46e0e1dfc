internal import Configuration
internal import IPC
internal import Kernel
internal import Network
internal import Streams
internal import Telemetry
internal import XMPP

/// The links to other servers that this worker owns, and the way to those that others own: each pair of domains has its link on
/// one worker (`Kernel/Ownership`).
@LoopActor
final class ServerLinks {
    /// The number of links on the mesh.
    static let kind = OwnedKind(rawValue: 1)
    /// Links of one worker, those that rest included; stanzas for one more go back.
    private static let mostLinks = 20_000
    /// Attempts to reach a server that a worker makes at one time; further links wait in line for their turn.
    private static let mostDials = 200
    /// Bytes that may wait for all links of a worker together.
    private static let mostWaiting = 32 << 20
    /// Milliseconds from one look for idle links to the next.
    private static let lookMilliseconds: Int64 = 5_000
    /// Milliseconds from one search for links that can be forgotten to the next.
    private static let forgetMilliseconds: Int64 = 1_000

    unowned let federation: Federation
    /// In milliseconds of `Loop.now`.
    private var lastForgotten: Int64 = 0
    private var links: [String: ServerLink] = [:]
    private var waiting = 0
    private var dials = 0
    /// Names of links that wait for their turn to make an attempt.
    private var line = WaitingLine<String>()
    private var timer: Loop.Timer?

    init(_ federation: Federation) {
        self.federation = federation
    }

    private static func name(_ pair: DomainPair) -> String { "\(pair.local) \(pair.remote)" }

    private static func pair(_ name: String) -> DomainPair {
        let parts = name.split(separator: " ", maxSplits: 1).map(String.init)
        return DomainPair(local: parts.first ?? "", remote: parts.last ?? "")
    }

    private func link(_ name: String) -> ServerLink? {
        if let link = links[name] { return link }
        guard links.count < Self.mostLinks || forgetResting() else { return nil }
        let link = ServerLink(Self.pair(name), self)
        links[name] = link
        if timer == nil { timer = Loop.every(Self.lookMilliseconds) { [weak self] in self?.look() } }
        return link
    }

    /// Forgets the links that rest, so that whoever writes to domains that are not there keeps nobody else from others: each of
    /// them may be tried once more before its time. Looks through all links, once a second at most.
    /// - Returns: whether there is room now.
    private func forgetResting() -> Bool {
        guard Loop.turnBegan - lastForgotten >= Self.forgetMilliseconds else { return false }
        lastForgotten = Loop.turnBegan
        for (name, link) in links where link.isResting { links[name] = nil }
        return links.count < Self.mostLinks
    }

    private func look() {
        let now = Loop.now
        for (name, link) in links {
            link.leaveLineIfOverdue(now: now)
            link.closeIfIdle(for: federation.configuration(of: link.pair).streamTimeout?.wholeMilliseconds)
            if link.isForgettable { links[name] = nil }
        }
        guard links.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }

    // MARK: What links ask

    /// Whether a link may make an attempt now; if not, it has its turn later.
    func mayDial(_ link: ServerLink) -> Bool {
        guard dials < Self.mostDials else {
            line.append(Self.name(link.pair))
            return false
        }
        dials += 1
        return true
    }

    /// An attempt is over: the next in line has its turn.
    func dialEnded() {
        dials -= 1
        while dials < Self.mostDials, let name = line.first {
            line.removeFirst(1)
            dials += 1
            if links[name]?.isNext() != true { dials -= 1 }
        }
    }

    func takes(_ bytes: Int) -> Bool {
        guard waiting + bytes <= Self.mostWaiting else { return false }
        waiting += bytes
        return true
    }

    func release(_ bytes: Int) { waiting -= bytes }

    func sendBack(_ stanza: RenderedStanza, _ error: StanzaError) { federation.server.sendBack(stanza, error) }

    // MARK: The end

    /// Ends links to domains that the operator wants nothing to do with any more, or from domains that are gone.
    func followPolicy() {
        for (name, link) in links
        where !federation.server.serves(link.pair.local) || !federation.configuration(of: link.pair).allows(link.pair.remote) {
            link.close(StreamError(.policyViolation))
            links[name] = nil
        }
    }

    func closeAll(_ error: StreamError?) {
        for link in links.values { link.close(error) }
        links = [:]
    }
}

extension ServerLinks: RemoteLinks {
    func send(_ stanza: RenderedStanza, from local: String, to remote: String) {
        let key = OwnedKey(Self.kind, Self.name(DomainPair(local: local, remote: remote)))
        federation.server.ownership.send(LinkFrame.encoded([stanza]), to: key)
    }
}

extension ServerLinks: OwnedObjects {
    func receive(_ payload: [UInt8], for name: String, from sender: UInt8, _ hold: FrameHold?) {
        for stanza in LinkFrame.decoded(payload) {
            if let link = link(name) {
                link.send(stanza, hold)
            } else {
                sendBack(stanza, StanzaError(.resourceConstraint, text: "There are too many links to other servers"))
            }
        }
    }

    func refuse(_ payload: [UInt8], for name: String) {
        for stanza in LinkFrame.decoded(payload) { sendBack(stanza, StanzaError(.remoteServerTimeout)) }
    }

    var names: [String] { Array(links.keys) }

    func snapshot(of name: String) -> [UInt8]? { links[name].map { LinkFrame.encoded($0.snapshot()) } }

    func adopt(_ snapshot: [UInt8], for name: String) -> Bool {
        receive(snapshot, for: name, from: federation.server.slot, nil)
        return true
    }

    func keep(_ name: String) { links[name]?.keep() }
    func discard(_ name: String) { links.removeValue(forKey: name)?.leave() }
}

/// Stanzas on their way to the owner of a link: the kind, the length, the bytes of each.
enum LinkFrame {
    static func encoded(_ stanzas: [RenderedStanza]) -> [UInt8] {
        var writer = ByteWriter()
        for stanza in stanzas {
            writer.uint8(stanza.kind.rawValue)
            writer.data(stanza.bytes)
        }
        return writer.bytes
    }

    /// What cannot be read is left out: the frame is one of ours.
    static func decoded(_ bytes: [UInt8]) -> [RenderedStanza] {
        var reader = ByteReader(bytes)
        var stanzas: [RenderedStanza] = []
        while reader.remaining > 0, let number = try? reader.uint8(), let kind = Stanza.Kind(rawValue: number),
            let text = try? reader.data()
        {
            stanzas.append(RenderedStanza(kind, Array(text)))
        }
        return stanzas
    }
}
