internal import Kernel
internal import Network
internal import Storage
internal import XMPP

/// The block lists of one host's users, as far as this worker had to ask storage for them. It also remembers that a user has
/// none, so that a stanza costs a look-up and nothing else.
@LoopActor
final class BlockListCache {
    enum Answer: Equatable {
        case known(BlockList?)
        case unknown
    }

    /// The most users that are remembered.
    private static let bound = 65_536

    private let domain: String
    private let fetch: @LoopActor (UserKey) async throws(StanzaError) -> [String]
    private let lists: ReadThroughCache<String, BlockList?, StanzaError>
    /// The unavailable presence that follows a block is on its way: the only stanza that passes it.
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

    /// The list, from storage if need be. Those who wait for the same one go on in the order in which they came.
    func list(_ user: String) async throws(StanzaError) -> BlockList? {
        let (fetch, key) = (fetch, UserKey(user: user, domain: domain))
        return try await lists.value(user) { () async throws(StanzaError) in
            let addresses = try await fetch(key)
            return addresses.isEmpty ? nil : BlockList(addresses)
        }
    }

    /// Whatever was known of a user's list is not true any more.
    func forget(_ user: String) { lists.invalidate(user) }

    func whileHiding(_ body: () -> Void) {
        isHiding = true
        body()
        isHiding = false
    }
}
