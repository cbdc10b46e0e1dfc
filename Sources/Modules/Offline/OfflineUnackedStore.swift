internal import Kernel
internal import Network
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// Stores messages that a client has not acknowledged among the offline messages: if the worker dies they are delivered like
/// those. Each is deleted by itself.
@LoopActor
final class OfflineUnackedStore: OfflineStore {
    /// Strong: the store outlives its host's modules while deletions are pending.
    private let host: Host
    private let keepsGroupchat: Bool

    init(_ host: Host, keepsGroupchat: Bool) {
        self.host = host
        self.keepsGroupchat = keepsGroupchat
    }

    func accepts(_ message: Element) -> Bool {
        if !keepsGroupchat, message.attribute("type", equals: "groupchat") { return false }
        return OfflineRules.verdict(message) == .store
    }

    func store(_ messages: [Stanza], for user: JID) async throws(StorageError) -> [Int64] {
        let now = ClockText.milliseconds
        let rows = messages.map { message in
            OfflineRepository.NewMessage(
                message.rendered(), receivedAt: OfflineRules.firstReceived(message.element, by: host.domain, now: now) ?? now,
                expiresAt: OfflineRules.lifetime(message.element).map { now + $0 })
        }
        return try await host.server.store.offline.store(UserKey(user), rows, now: now)
    }

    func forget(_ numbers: [Int64], of user: JID) {
        let store = host.server.store
        host.server.background {
            do throws(StorageError) {
                try await store.offline.delete(UserKey(user), numbers)
            } catch {
                Log.error("cannot delete messages that have arrived", [Field("user", user), Field("error", error)])
            }
        }
    }

    func stored(among numbers: [Int64], of user: JID) async throws(StorageError) -> Set<Int64> {
        try await host.server.store.offline.present(UserKey(user), numbers)
    }
}
