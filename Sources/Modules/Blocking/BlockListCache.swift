internal import Kernel
internal import Network
internal import Storage
internal import XMPP

/// The block lists of one host's users, as far as this worker had to ask storage for them.
///
/// It also remembers that a user has none, so that a stanza costs a look-up and nothing else. Bounded: when the newer half
/// is full, it takes the place of the older one.
@LoopActor
final class BlockListCache {
    enum Answer: Equatable {
        case known(BlockList?)
        case unknown
    }

    private let domain: String
    private let fetch: @LoopActor (UserKey) async throws(StanzaError) -> [String]
    private let half: Int
    private var newer: [String: BlockList?] = [:]
    private var older: [String: BlockList?] = [:]
    private var readings: [String: Reading] = [:]
    /// The unavailable presence that follows a block is on its way: the only stanza that passes it.
    private(set) var isHiding = false

    /// One reading of storage, for all that want to know the same.
    private final class Reading {
        var waiting: [CheckedContinuation<Result<BlockList?, StanzaError>, Never>] = []
        /// The list changed while it was read: what comes may be the old one.
        var isOutdated = false
    }

    /// - Parameter most: the most users that it knows something of.
    init(
        domain: String, most: Int = 65_536, fetch: @escaping @LoopActor (UserKey) async throws(StanzaError) -> [String]
    ) {
        self.domain = domain
        self.fetch = fetch
        half = max(1, most / 2)
    }

    convenience init(_ host: Host) {
        let lists = host.server.store.blockLists
        self.init(domain: host.domain) { (key) async throws(StanzaError) in
            do throws(StorageError) { return try await lists.list(key) } catch { throw StanzaError(storage: error) }
        }
    }

    func answer(_ user: String) -> Answer {
        if let list = newer[user] { return .known(list) }
        guard let list = older.removeValue(forKey: user) else { return .unknown }
        keep(list, user)
        return .known(list)
    }

    /// The list, from storage if need be. Those who wait for the same one go on in the order in which they came.
    func list(_ user: String) async throws(StanzaError) -> BlockList? {
        if case .known(let list) = answer(user) { return list }
        let result = await withCheckedContinuation { continuation in
            if let reading = readings[user] {
                reading.waiting.append(continuation)
            } else {
                let reading = Reading()
                reading.waiting = [continuation]
                readings[user] = reading
                Loop.spawn { [self] in await read(user, reading) }
            }
        }
        return try result.get()
    }

    /// Whatever was known of a user's list is not true any more.
    func forget(_ user: String) {
        newer[user] = nil
        older[user] = nil
        readings[user]?.isOutdated = true
    }

    func whileHiding(_ body: () -> Void) {
        isHiding = true
        body()
        isHiding = false
    }

    private func read(_ user: String, _ reading: Reading) async {
        var result: Result<BlockList?, StanzaError>
        repeat {
            reading.isOutdated = false
            do throws(StanzaError) {
                let addresses = try await fetch(UserKey(user: user, domain: domain))
                result = .success(addresses.isEmpty ? nil : BlockList(addresses))
            } catch {
                result = .failure(error)
            }
        } while reading.isOutdated
        readings[user] = nil
        if case .success(let list) = result { keep(list, user) }
        for continuation in reading.waiting { continuation.resume(returning: result) }
    }

    private func keep(_ list: BlockList?, _ user: String) {
        if newer.count >= half {
            older = newer
            newer = [:]
        }
        newer[user] = .some(list)
    }
}
