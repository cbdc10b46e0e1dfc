public import Configuration
public import Kernel
internal import Network
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0199: answers pings, and pings clients that have been silent for `ping_interval`.
public final class Ping: Module {
    public nonisolated static let name = "mod_ping"
    public nonisolated static let implements = [XEP(199, "XMPP Ping", version: "2.0.1")]

    private static let namespace = "urn:xmpp:ping"

    private let rounds: PingRounds?

    public init(options: PingOptions) {
        rounds =
            options.sendsPings
            ? PingRounds(
                intervalMilliseconds: options.interval.wholeMilliseconds, timeoutMilliseconds: options.timeout.wholeMilliseconds,
                isDeadly: options.timeoutAction == .kill)
            : nil
    }

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(Self.namespace)
        declarations.features.advertiseAccount(Self.namespace)
        declarations.iq.on("ping", Self.namespace, at: .server) { (request) throws(StanzaError) in
            guard !request.isSet else { throw StanzaError(.notAllowed) }
            return nil
        }
        declarations.iq.on("ping", Self.namespace, at: .account) { (request) throws(StanzaError) in
            // An answer for another user's account would tell that it exists.
            guard request.isOwn, !request.isSet else { throw StanzaError(.serviceUnavailable) }
            return nil
        }
        rounds?.start(&declarations, on: host)
    }

    /// The request to a client.
    fileprivate static func request(id: String, from host: Host, to client: JID) -> Stanza {
        Stanza(.iq, type: "get", id: id, from: host.jid, to: client, [Element("ping", namespace)])
    }
}

/// `[modules.mod_ping]`.
public struct PingOptions: ModuleOptionSet {
    var sendsPings = false
    var interval = Duration.seconds(60)
    var timeoutAction = TimeoutAction.none
    var timeout = Duration.seconds(32)

    enum TimeoutAction: String, OptionChoice { case none, kill }

    public static let keys: [ModuleOption<Self>] = [
        .init("send_pings", \.sendsPings), .init("ping_interval", \.interval), .init("timeout_action", \.timeoutAction),
        .init("ping_req_timeout", \.timeout),
    ]

    public init() {}
}

/// Walks through the sessions of this worker, a slice at a time, and pings those that have been silent for the interval.
///
/// A round lasts a quarter of the interval, so a ping may come that much late; there is no timer for each session.
@LoopActor
final class PingRounds {
    private static let slices = 8

    private let intervalMilliseconds: Int64
    private let timeoutMilliseconds: Int64
    private let isDeadly: Bool
    /// Connections that this round has not checked yet.
    private var ahead: [UInt64] = []
    private var sliceLength = 0
    /// Connections with an unanswered ping.
    private var asked: Set<UInt64> = []

    /// Times in milliseconds. `isDeadly`: a client that does not answer is disconnected.
    init(intervalMilliseconds: Int64, timeoutMilliseconds: Int64, isDeadly: Bool) {
        self.intervalMilliseconds = intervalMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
        self.isDeadly = isDeadly
    }

    func start(_ declarations: inout Declarations, on host: Host) {
        let timer = Loop.every(intervalMilliseconds / 4 / Int64(Self.slices)) { [weak self, weak host] in
            if let self, let host { goOn(host) }
        }
        declarations.onUnload { timer.cancel() }
    }

    private func goOn(_ host: Host) {
        if ahead.isEmpty {
            ahead = host.server.localSessions.filter { $0.host === host }.map(\.connection)
            sliceLength = ahead.count / Self.slices + 1
        }
        let slice = ahead.suffix(sliceLength)
        ahead.removeLast(slice.count)
        let now = Loop.now
        for connection in slice {
            guard let session = host.server.session(connection), now - session.lastHeard >= intervalMilliseconds else { continue }
            ping(session, now)
        }
    }

    private func ping(_ session: Session, _ now: Int64) {
        let connection = session.connection
        guard session.isAttached else { return }
        guard asked.insert(connection).inserted else { return }
        let id = session.host.server.pending.expect(from: session.jid, within: timeoutMilliseconds) {
            [weak self, weak session] answer in
            guard let self else { return }
            asked.remove(connection)
            guard answer == nil, let session, !session.hasEnded, session.lastHeard <= now else { return }
            silence(of: session)
        }
        guard let id else {
            asked.remove(connection)
            return
        }
        session.send(Ping.request(id: id, from: session.host, to: session.jid))
    }

    private func silence(of session: Session) {
        guard isDeadly else { return }
        Log.info("client does not answer a ping, closing its stream", [Field("session", session.jid)])
        session.detachOrClose(StreamError(.connectionTimeout, text: "No answer to a ping"))
    }
}
