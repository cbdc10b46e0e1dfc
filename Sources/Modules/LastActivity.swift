public import Configuration
public import Kernel
internal import Network
internal import SharedState
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0012: since when a user is away, and since when the server runs. Only for those who may see the user's presence.
public final class LastActivity: Module {
    public nonisolated static let name = "mod_last"
    public nonisolated static let implements = [XEP(12, "Last Activity", version: "2.0")]

    private static let namespace = "jabber:iq:last"
    private static let removalTopic = "last.removed"
    /// Code points that are kept of a status; what is longer is cut.
    private static let longestStatus = 500
    /// How long the sessions of a removed account take at most to be gone from all workers.
    private static let removalMilliseconds: Int64 = 60_000

    /// When this worker came to run modules, in milliseconds of `Loop.now`; a reload does not change it.
    private static let started = Loop.now
    /// Accounts that have just been removed: of the end of their sessions nothing is kept.
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

    /// A question to a resource gives away that it is there, so it is for those who may know (XEP-0012 §4). Others are not
    /// told `forbidden`, as that XEP has it, but what they are told where there is no such resource.
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

    /// A user's resource tells its own account that it is unavailable, or the server says so for one that has gone
    /// without a word (RFC 6121 §4.5): if none is available any more, the user has left.
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
