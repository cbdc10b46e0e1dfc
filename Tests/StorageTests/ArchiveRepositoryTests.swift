import Glibc
import Synchronization
import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(5))) struct ArchiveRepositoryTests {
    let temporary: TemporaryDatabase
    let database: SQLiteDatabase
    let archive: ArchiveRepository

    init() async throws {
        temporary = try TemporaryDatabase()
        database = try await temporary.openMigrated()
        archive = ArchiveRepository(database)
    }

    private static let carol = UserKey(user: "carol", domain: "example.org")

    /// A message of `sender`, kept for both; its stanza is one byte.
    private func message(
        _ id: Int64, _ sender: UserKey, _ recipient: UserKey, _ byte: UInt8 = 0, groupchat: Bool = false
    ) -> ArchivedMessage {
        ArchivedMessage(id: id, stanza: [byte], isGroupchat: groupchat, from: sender, to: recipient)
    }

    private func ids(
        _ owner: UserKey, after: Int64 = 0, before: Int64 = .max, with peer: UserKey? = nil, backward: Bool = false,
        limit: Int = 100
    ) async throws -> [Int64] {
        var selection = ArchiveSelection()
        (selection.after, selection.before, selection.peer) = (after, before, peer)
        return try await archive.page(owner, selection, isBackward: backward, limit: limit).messages.map(\.id)
    }

    @Test func bothSidesFindWhatIsKeptOnce() async throws {
        _ = try await archive.append([message(1, alice, bob, 7), message(2, bob, alice, 8)], knowing: ArchiveNumbers())
        for user in [alice, bob] {
            #expect(try await archive.messages(user, ids: [1, 2, 3]) == [.init(id: 1, stanza: [7]), .init(id: 2, stanza: [8])])
        }
        #expect(try await ids(Self.carol) == [])
        let rows = try await database.read { (connection) throws(StorageError) in
            try connection.all("SELECT facts, stanzas FROM archive_chunk") { (row) throws(StorageError) in
                try ArchiveChunk(facts: try row.bytes(0), stanzas: try row.bytes(1)).stanzas
            }
        }
        #expect(rows == [[7, 8]])
        #expect(try await archive.bounds(alice)?.first == 1)
        #expect(try await archive.bounds(alice)?.last == 2)
        #expect(try await archive.bounds(Self.carol) == nil)
    }

    @Test func oneSideAlone() async throws {
        var sent = message(1, alice, bob)
        sent.isRecipients = false
        _ = try await archive.append([sent], knowing: ArchiveNumbers())
        #expect(try await ids(alice) == [1])
        #expect(try await ids(bob) == [])
        try await archive.index()
        #expect(try await ids(alice, with: bob) == [1])
        #expect(try await ids(bob) == [])
    }

    /// Indexed or not, in whatever order the messages were committed: pages are what a list of all messages gives.
    @Test(arguments: 0..<6) func pagesAreThoseOfAList(_ seed: UInt64) async throws {
        var random = Random(seed)
        let users = [alice, bob, Self.carol]
        var all: [(id: Int64, sender: UserKey, recipient: UserKey, isGroupchat: Bool)] = []
        var numbers = ArchiveNumbers()
        var base: Int64 = 1 << 50
        for _ in 0..<12 {
            var batch: [ArchivedMessage] = []
            for _ in 0..<random.below(40) {
                base += Int64(random.below(3)) << 34 | Int64(random.below(1000) + 1)
                // Some are committed after later ones.
                let id = base - (random.below(4) == 0 ? Int64(random.below(1 << 20)) : 0)
                guard !all.contains(where: { $0.id == id }) else { continue }
                let (from, to) = (users[random.below(3)], users[random.below(3)])
                guard from != to else { continue }
                let isGroupchat = random.below(5) == 0
                all.append((id, from, to, isGroupchat))
                batch.append(message(id, from, to, groupchat: isGroupchat))
            }
            let receipt = try await archive.append(batch, knowing: random.below(2) == 0 ? numbers : ArchiveNumbers())
            numbers.learn(receipt.found, limit: 100)
            if random.below(3) == 0 { try await archive.index(limit: 1 + random.below(30)) }
        }
        for _ in 0..<150 {
            let owner = users[random.below(3)]
            var selection = ArchiveSelection()
            if random.below(2) == 0 { selection.after = all[random.below(all.count)].id - Int64(random.below(2)) }
            if random.below(2) == 0 { selection.before = all[random.below(all.count)].id + Int64(random.below(2)) }
            if random.below(2) == 0 { selection.peer = users[random.below(3)] }
            selection.withoutGroupchat = random.below(3) == 0
            let isBackward = random.below(2) == 0
            let limit = 1 + random.below(20)
            let expected = all.filter { entry in
                (entry.sender == owner || entry.recipient == owner) && entry.id > selection.after && entry.id < selection.before
                    && (selection.peer.map { $0 == (entry.sender == owner ? entry.recipient : entry.sender) } ?? true)
                    && !(selection.withoutGroupchat && entry.isGroupchat)
            }.map(\.id).sorted()
            let page = try await archive.page(owner, selection, isBackward: isBackward, limit: limit)
            #expect(page.messages.map(\.id) == Array(isBackward ? expected.suffix(limit) : expected.prefix(limit)))
            #expect(page.isComplete == (expected.count <= limit))
            #expect(page.end == (page.isComplete ? nil : isBackward ? page.messages.first?.id : page.messages.last?.id))
            #expect(try await archive.count(owner, selection, limit: 1000) == expected.count)
            if expected.count > 1 { #expect(try await archive.count(owner, selection, limit: expected.count - 1) == nil) }
            let even = try await archive.page(owner, selection, isBackward: isBackward, limit: limit) { _ in true }
            #expect(even.messages == page.messages && even.isComplete == page.isComplete)
        }
    }

    @Test func conditionsAreLookedForInPortions() async throws {
        let messages = (1...1000).map { message(Int64($0), alice, bob, $0 % 100 == 0 ? 1 : 0) }
        _ = try await archive.append(messages, knowing: ArchiveNumbers())
        try await archive.index()
        let hits: @Sendable ([UInt8]) -> Bool = { $0 == [1] }
        let first = try await archive.page(alice, ArchiveSelection(), limit: 3, where: hits)
        #expect(first.messages.map(\.id) == [100, 200, 300] && first.end == 300 && !first.isComplete)
        let last = try await archive.page(alice, ArchiveSelection(), isBackward: true, limit: 3, where: hits)
        #expect(last.messages.map(\.id) == [800, 900, 1000] && last.end == 800)
        let all = try await archive.page(alice, ArchiveSelection(), limit: 50, where: hits)
        #expect(all.messages.count == 10 && all.isComplete)
        var budget = ArchiveBudget()
        budget.entries = 512
        let tired = try await archive.page(alice, ArchiveSelection(), limit: 50, budget: budget, where: hits)
        #expect(tired.messages.count == 5 && tired.end == 512 && !tired.isComplete)
    }

    /// What threads tell each other.
    private final class Signals: Sendable {
        let isElsewhere = Atomic(false)
        let isReading = Atomic(false)
        let mayEnd = Atomic(false)
        let looked = Atomic(0)
    }

    private func large(_ id: Int64, _ size: Int) -> ArchivedMessage {
        ArchivedMessage(id: id, stanza: Array(repeating: UInt8(id % 200), count: size), from: alice, to: bob)
    }

    @Test("a page ends with the message that fills its bytes, in either direction", arguments: [false, true], [1000, 100_000])
    func pagesAreBoundedByBytes(_ isBackward: Bool, _ size: Int) async throws {
        _ = try await archive.append((1...40).map { large($0, size) }, knowing: ArchiveNumbers())
        var budget = ArchiveBudget()
        budget.pageBytes = 5 * size - 1
        var (selection, found, pages) = (ArchiveSelection(), [Int64](), 0)
        while true {
            let page = try await archive.page(alice, selection, isBackward: isBackward, limit: 40, budget: budget)
            #expect(page.messages.count == 5)
            pages += 1
            found = isBackward ? page.messages.map(\.id) + found : found + page.messages.map(\.id)
            guard !page.isComplete, let end = page.end else { break }
            #expect(end == (isBackward ? page.messages.first?.id : page.messages.last?.id))
            if isBackward { selection.before = end } else { selection.after = end }
        }
        #expect(found == Array(1...40) && pages == 8)
        // One message is answered whatever its size.
        budget.pageBytes = 1
        #expect(try await archive.page(alice, ArchiveSelection(), limit: 40, budget: budget).messages.count == 1)
    }

    @Test("a search that has cost what it may answers where it goes on")
    func searchesAreBounded() async throws {
        _ = try await archive.append((1...100).map { large($0, 50_000) }, knowing: ArchiveNumbers())
        var budget = ArchiveBudget()
        budget.readBytes = 1_000_000
        let read = try await archive.page(alice, ArchiveSelection(), limit: 10, budget: budget) { _ in false }
        #expect(read.messages.isEmpty && !read.isComplete)
        #expect(try #require(read.end) <= 21)
        budget = ArchiveBudget()
        budget.milliseconds = 0
        let late = try await archive.page(alice, ArchiveSelection(), isBackward: true, limit: 10, budget: budget) { _ in false }
        #expect(late.messages.isEmpty && !late.isComplete && late.end != nil)
    }

    @Test("a filter that nearly nothing passes is looked at within the budget")
    func filtersAreBounded() async throws {
        _ = try await archive.append(
            (1...6000).map { message(Int64($0), alice, $0 == 6000 ? Self.carol : bob) }, knowing: ArchiveNumbers())
        try await archive.index()
        var selection = ArchiveSelection()
        selection.peer = Self.carol
        var budget = ArchiveBudget()
        budget.entries = 3000
        let page = try await archive.page(alice, selection, limit: 10, budget: budget)
        #expect(page.messages.isEmpty && page.end == 3000)
        #expect(try await archive.count(alice, selection, limit: 10, budget: budget) == nil)
        #expect(try await archive.first(10, alice, selection, budget: budget) == nil)
        #expect(try await archive.page(alice, selection, limit: 10).messages.map(\.id) == [6000])
        #expect(try await archive.count(alice, selection, limit: 10) == 1)
        #expect(try await archive.first(10, alice, selection)?.last == 6000)
    }

    @Test("the condition of a search is asked on the thread for scans, and other reads do not wait for it")
    func searchesHoldUpNobody() async throws {
        _ = try await archive.append([message(1, alice, bob)], knowing: ArchiveNumbers())
        let caller = pthread_self()
        let signals = Signals()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [archive] in
                _ = try await archive.page(alice, ArchiveSelection(), limit: 10) { _ in
                    signals.isElsewhere.store(pthread_equal(pthread_self(), caller) == 0, ordering: .sequentiallyConsistent)
                    signals.isReading.store(true, ordering: .sequentiallyConsistent)
                    while !signals.mayEnd.load(ordering: .sequentiallyConsistent) { usleep(1000) }
                    return true
                }
            }
            while !signals.isReading.load(ordering: .sequentiallyConsistent) { await Task.yield() }
            // Also one that does not find its pages in memory: a thread answers it.
            let count = try await database.read { (connection) throws(StorageError) in
                try connection.first(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT count(*) FROM n"
                ) {
                    (row) throws(StorageError) in try row.integer(0)
                }
            }
            #expect(count == 20_000)
            signals.mayEnd.store(true, ordering: .sequentiallyConsistent)
            try await group.waitForAll()
        }
        let wasElsewhere = signals.isElsewhere.load(ordering: .sequentiallyConsistent)
        #expect(wasElsewhere)
    }

    @Test("a small message does not lie in one row with a large one")
    func largeMessagesLieAlone() async throws {
        let sizes = [10, 200_000, 10, 10, 200_000, 10]
        _ = try await archive.append(sizes.enumerated().map { large(Int64($0 + 1), $1) }, knowing: ArchiveNumbers())
        let rows = try await database.read { (connection) throws(StorageError) in
            try connection.all("SELECT stanzas FROM archive_chunk ORDER BY chunk") { (row) throws(StorageError) in
                try row.bytes(0).count
            }
        }
        #expect(rows == [10, 200_000, 20, 200_000, 10])
    }

    @Test("of many ids those that are there are found, indexed or not, and read up to a number of bytes")
    func idsAreFound() async throws {
        _ = try await archive.append((1...300).map { large($0 * 2, 100) }, knowing: ArchiveNumbers())
        try await archive.index()
        _ = try await archive.append((301...320).map { large($0 * 2, 100) }, knowing: ArchiveNumbers())
        #expect(try await archive.existing(alice, ids: Set(1...700)) == (1...320).map { $0 * 2 })
        #expect(try await archive.existing(Self.carol, ids: [2, 4]) == [])
        #expect(try await archive.messages(bob, ids: [640, 2, 600, 4, 6], bytes: 250).map(\.id) == [2, 600, 640])
    }

    @Test("a retraction looks at so many bytes and no more")
    func retractionsAreBounded() async throws {
        let signals = Signals()
        let retraction = ArchivedMessage.Retraction { stanza, _ in
            signals.looked.add(stanza.count, ordering: .relaxed)
            return nil
        }
        _ = try await archive.append((1...100).map { large($0, 50_000) }, knowing: ArchiveNumbers())
        let message = ArchivedMessage(id: 101, stanza: [1], from: alice, to: bob, isRecipients: false, retraction: retraction)
        _ = try await archive.append([message], knowing: ArchiveNumbers())
        let looked = signals.looked.load(ordering: .relaxed)
        #expect((1_000_000...1_100_000).contains(looked))
    }

    @Test(arguments: [
        "archive_contact WHERE archive = 1 AND peer = 1 AND period >= 0 AND period <= 9 ORDER BY period DESC",
        "archive_block WHERE archive = 1 AND first < 9 ORDER BY first DESC",
        "archive_block WHERE archive = 1 AND first > 9 ORDER BY first",
        "archive_chunk WHERE chunk > 9",
    ])
    func nothingIsSortedOrReadInVain(_ query: String) async throws {
        let plan = try await database.read { (connection) throws(StorageError) in
            try connection.all("EXPLAIN QUERY PLAN SELECT * FROM \(query) LIMIT 9") { (row) throws(StorageError) in try row.text(3)
            }
        }
        #expect(plan.count == 1 && plan.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plan)")
    }

    /// Many messages, so that there are many chunks and blocks, with one contact in most periods and one in a few.
    @Test func longArchivesAreReadFromAnywhere() async throws {
        var numbers = ArchiveNumbers()
        let all = (1...3000).map { number -> ArchivedMessage in
            let peer = number % 700 == 0 ? Self.carol : bob
            var message = message(Int64(number) << 33, alice, peer)
            if number % 700 == 0 { message.isRecipients = false }
            return message
        }
        for start in stride(from: 0, to: all.count, by: 250) {
            numbers.learn(try await archive.append(Array(all[start..<start + 250]), knowing: numbers).found, limit: 100)
            if start % 500 == 0 { try await archive.index(limit: 200) }
        }
        let own = all.map(\.id)
        for place in [0, 1, 63, 64, 65, 1279, 2998, 2999] {
            #expect(try await ids(alice, after: own[place], limit: 70) == Array(own[(place + 1)...].prefix(70)))
            #expect(try await ids(alice, before: own[place], backward: true, limit: 70) == Array(own[..<place].suffix(70)))
        }
        let rare = own.filter { $0 >> 33 % 700 == 0 }
        #expect(try await ids(alice, with: Self.carol) == rare)
        #expect(try await ids(alice, with: Self.carol, backward: true, limit: 2) == Array(rare.suffix(2)))
        #expect(try await archive.count(alice, ArchiveSelection(), limit: 5000) == 3000)
        #expect(try await archive.count(alice, ArchiveSelection(), limit: 2999) == nil)
    }

    @Test func retractedMessagesBecomeTombstones() async throws {
        _ = try await archive.append(
            [message(1, alice, bob, 1), message(2, alice, bob, 1), message(3, alice, Self.carol, 1)], knowing: .init())
        try await archive.index(limit: 2)
        let retraction = ArchivedMessage(
            id: 4, stanza: [9], from: alice, to: bob, retraction: .init { stanza, _ in stanza == [1] ? [0] : nil })
        _ = try await archive.append([retraction], knowing: ArchiveNumbers())
        for user in [alice, bob] {
            #expect(try await archive.messages(user, ids: [1, 2, 4]).map(\.stanza) == [[0], [0], [9]])
        }
        #expect(try await archive.messages(Self.carol, ids: [3]).map(\.stanza) == [[1]])
    }

    @Test func aRemovedUserLeavesNothingAndTakesNothingFromOthers() async throws {
        let accounts = AccountRepository(database)
        _ = try await accounts.create(alice, AccountRepositoryTests.plain)
        var numbers = ArchiveNumbers()
        func append(_ messages: [ArchivedMessage]) async throws {
            numbers.learn(try await archive.append(messages, knowing: numbers).found, limit: 100)
        }
        try await append((1...20).map { message($0, alice, bob) })
        var own = message(21, alice, alice)
        own.isSenders = false
        try await append([own])
        #expect(try await accounts.remove(alice))
        #expect(try await ids(alice) == [])
        // One that was on its way is bob's alone; what this process knew of the archive's number is not true any more.
        try await append([message(22, bob, alice)])
        let later = Int64.max >> 1
        try await append([message(later, bob, alice)])
        try await append([message(23, bob, alice)])
        #expect(try await ids(alice) == [later])
        while try await archive.collectGarbage(limit: 7) {}
        #expect(try await ids(alice) == [later])
        #expect(try await ids(bob) == Array(1...20) + [22, 23, later])
        let left = try await database.read { (connection) throws(StorageError) in
            try connection.all("SELECT facts, stanzas FROM archive_chunk") { (row) throws(StorageError) in
                try ArchiveChunk(facts: try row.bytes(0), stanzas: try row.bytes(1)).facts
                    .filter { $0.id == 21 || $0.sender == nil && $0.recipient == nil && $0.length > 0 }.map(\.id)
            }
        }
        #expect(left.joined().isEmpty)
    }

    @Test func preferences() async throws {
        let all = ArchivePreferenceRepository(database)
        #expect(try await all.get(alice) == nil)
        for wish in [
            ArchivePreferenceRepository.Preferences(standard: "roster", always: ["a@x", "b@x/r 1"], never: []),
            .init(standard: "never"),
        ] {
            try await all.set(alice, wish)
            #expect(try await all.get(alice) == wish)
        }
        #expect(try await all.get(bob) == nil)
    }
}

/// The same numbers for the same seed.
struct Random {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func below(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % bound
    }
}
