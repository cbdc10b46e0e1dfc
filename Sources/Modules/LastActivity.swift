public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0012: the time since a user was last available, told to those who may see the user's presence, and the server's uptime.
public final class LastActivity: Module {
    public nonisolated static let name = "mod_last"
    public nonisolated static let implements = [XEP(12, "Last Activity", version: "2.0")]

    private static let namespace = "jabber:iq:last"
    private static let removalTopic = "last.removed"
    /// Most code points that are kept of a status; the rest is cut off.
    private static let longestStatus = 500
    /// Milliseconds from the removal of an account to the end of its last session on any worker; until then such ends are not
    /// recorded.
    private static let removalMilliseconds: Int64 = 60_000

    /// When this worker installed its first modules, in milliseconds of `Loop.now`; a reload does not change it.
    private static let started = Loop.now
    /// Accounts that have just been removed: the end of their sessions is not recorded.
    private var removed: Set<String> = []

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        _ = Self.started
        declarations.features.advertise(Self.namespace)
        declarations.features.advertiseAccount(Self.namespace)
        declarations.iq.on("query", Self.namespace, at: .server) { (request) throws(StanzaError) in
            guard !request.isSet else { throw StanzaError(.notAllowed) }
            return Self.answer(seconds: (Loop.now - Self.started) / 1000)
        }
        declarations.iq.onWaiting("query", Self.namespace, at: .account) { (request) async throws(StanzaError) in
            guard !request.isSet else { throw StanzaError(.notAllowed) }
            return try await Self.lastActivity(request)
        }
        declarations.iq.open("query", Self.namespace, to: .contacts)
        declarations.hooks.incoming.add(.policy, after: ["mod_blocking"]) { Self.mayPass($0) }
        declarations.hooks.incoming.add(.policy, after: ["mod_blocking"]) { incoming in
            self.left(incoming)
            return .next
        }
        declarations.hooks.accountRemoved.add { [unowned host] in host.broadcast(Self.removalTopic, Array($0.local.utf8)) }
        declarations.onBroadcast(Self.removalTopic) { self.forget(String(decoding: $0, as: UTF8.self)) }
    }

    // MARK: Answers

    private static func answer(seconds: Int64, status: String = "") -> Element {
        Element("query", namespace, ["seconds": String(max(0, seconds))], text: status)
    }

    private static func lastActivity(_ request: IQRequest) async throws(StanzaError) -> Element {
        guard request.host.server.sessions(of: request.to).isEmpty else { return answer(seconds: 0) }
        let activity = try await askStorage(try await request.host.server.store.lastActivity.get(UserKey(request.to)))
        guard let activity else { throw StanzaError(.serviceUnavailable) }
        return answer(seconds: ClockText.now - activity.seconds, status: activity.status)
    }

    /// Any answer of a resource gives its existence away, so that only those who may see the user's presence get one
    /// (XEP-0012 §4). Others do not get `forbidden`, as in that XEP, but the error for a resource that does not exist.
    private static func mayPass(_ incoming: Incoming) -> Decision<Incoming> {
        let stanza = incoming.stanza
        guard stanza.kind == .iq, incoming.to.isFull, stanza.isType("get"), let from = stanza.from,
            from.bare != incoming.user, stanza.element.firstChild?.is("query", namespace) == true
        else { return .next }
        let (host, user) = (incoming.host, incoming.user)
        return .wait {
            do throws(StanzaError) {
                return try await host.isPresence(of: user, visibleTo: from) ? .next : .fail(StanzaError(.serviceUnavailable))
            } catch {
                return .fail(error)
            }
        }
    }

    // MARK: Records

    /// Unavailable presence of a resource to its own account, sent by its client or by the server (RFC 6121 §4.5): if no
    /// resource is available any more, the user has left.
    private func left(_ incoming: Incoming) {
        let (host, user) = (incoming.host, incoming.user)
        guard incoming.stanza.kind == .presence, incoming.to.isBare, incoming.stanza.isType("unavailable"),
            incoming.stanza.from?.bare == user, !removed.contains(user.local),
            !host.server.sessions(of: user).contains(where: { $0.flags.contains(.available) })
        else { return }
        let text = incoming.stanza.element.child("status")?.text ?? ""
        let status = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.longestStatus)))
        let activity = LastActivityRepository.Activity(seconds: ClockText.now, status: status)
        Loop.spawn {
            do throws(StorageError) {
                try await host.server.store.lastActivity.set(UserKey(user), activity)
            } catch {
                Log.error("cannot keep when a user left", [Field("user", user), Field("error", error)])
            }
        }
    }

    private func forget(_ user: String) {
        removed.insert(user)
        Loop.after(Self.removalMilliseconds) { self.removed.remove(user) }
    }
}
