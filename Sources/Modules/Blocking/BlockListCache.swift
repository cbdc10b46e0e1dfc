internal import Kernel
internal import Network
internal import Storage
internal import XMPP

/// The block lists of one host's users that this worker has read from storage. It also remembers users without one, so that
/// a stanza costs a look-up and nothing else.
@LoopActor
final class BlockListCache {
    enum Answer: Equatable {
        case known(BlockList?)
        case unknown
    }

    /// Most users in the cache; of more, those that have not been needed lately are read again.
    private static let bound = 65_536

    private let domain: String
    private let fetch: @LoopActor (UserKey) async throws(StanzaError) -> [String]
    private let lists: ReadThroughCache<String, BlockList?, StanzaError>
    /// Whether the unavailable presence that follows a block is being sent: the only stanza that passes the block.
    private(set) var isHiding = false

    init(
        domain: String, bound: Int = BlockListCache.bound,
        fetch: @escaping @LoopActor (UserKey) async throws(StanzaError) -> [String]
    ) {
        self.domain = domain
        self.fetch = fetch
        lists = ReadThroughCache(bound: bound)
    }

    convenience init(_ host: Host) {
        let lists = host.server.store.blockLists
        self.init(domain: host.domain) { (key) async throws(StanzaError) in
            do throws(StorageError) { return try await lists.list(key) } catch { throw StanzaError(storage: error) }
        }
    }

    func answer(_ user: String) -> Answer { lists.known(user).map { Answer.known($0) } ?? .unknown }

    /// The list, read from storage if need be. Callers that wait for the same one resume in the order in which they came.
    func list(_ user: String) async throws(StanzaError) -> BlockList? {
        let (fetch, key) = (fetch, UserKey(user: user, domain: domain))
        return try await lists.value(user) { () async throws(StanzaError) in
            let addresses = try await fetch(key)
            return addresses.isEmpty ? nil : BlockList(addresses)
        }
    }

    /// Drops a user's list, which has changed.
    func forget(_ user: String) { lists.invalidate(user) }

    func whileHiding(_ body: () -> Void) {
        isHiding = true
        body()
        isHiding = false
    }
}
