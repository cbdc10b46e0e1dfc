import Testing

@testable import Storage

@Suite struct OfflineRepositoryTests {
    let temporary: TemporaryDatabase
    let database: SQLiteDatabase
    let offline: OfflineRepository

    init() async throws {
        temporary = try TemporaryDatabase()
        database = try await temporary.openMigrated()
        offline = OfflineRepository(database)
    }

    @Test func handsOutInOrderAndForgets() async throws {
        for number in UInt8(1)...5 {
            #expect(try await offline.store(alice, .init([number], receivedAt: 100 - Int64(number)), now: 100 - Int64(number), limit: 5) == .stored)
        }
        _ = try await offline.store(bob, .init([9], receivedAt: 1), now: 1, limit: 5)
        #expect(try await offline.count(alice) == 5)
        let taken = try await offline.take(alice, now: 0)
        #expect(taken.map(\.stanza) == [[1], [2], [3], [4], [5]])
        #expect(taken.map(\.receivedAt) == [99, 98, 97, 96, 95])
        #expect(try await offline.take(alice, now: 0) == [])
        #expect(try await offline.count(bob) == 1)
    }

    @Test func holdsTheLimitUntilExpiredOnesGiveWay() async throws {
        #expect(try await offline.store(alice, .init([1], receivedAt: 1, expiresAt: 50), now: 1, limit: 2) == .stored)
        #expect(try await offline.store(alice, .init([2], receivedAt: 2), now: 2, limit: 2) == .stored)
        #expect(try await offline.store(alice, .init([3], receivedAt: 3), now: 3, limit: 2) == .full)
        #expect(try await offline.store(alice, .init([4], receivedAt: 60), now: 60, limit: 2) == .stored)
        #expect(try await offline.take(alice, now: 60).map(\.stanza) == [[2], [4]])
        #expect(try await offline.store(alice, .init([5], receivedAt: 61), now: 61, limit: 0) == .full)
    }

    @Test func doesNotHandOutWhatHasExpired() async throws {
        _ = try await offline.store(alice, .init([1], receivedAt: 1, expiresAt: 50), now: 1, limit: nil)
        _ = try await offline.store(alice, .init([2], receivedAt: 1, expiresAt: 51), now: 1, limit: nil)
        #expect(try await offline.page(alice, limit: 10, now: 50).map(\.stanza) == [[2]])
        #expect(try await offline.take(alice, now: 50).map(\.expiresAt) == [51])
        #expect(try await offline.count(alice) == 0)
    }

    @Test func pagesAndDeletesWhatWasDelivered() async throws {
        for number in UInt8(1)...5 { _ = try await offline.store(alice, .init([number], receivedAt: 1), now: 1, limit: nil) }
        let first = try await offline.page(alice, limit: 2, now: 1)
        #expect(first.map(\.stanza) == [[1], [2]])
        let last = try #require(first.last?.sequence)
        let second = try await offline.page(alice, after: last, limit: 2, now: 1)
        #expect(second.map(\.stanza) == [[3], [4]])
        #expect(try await offline.delete(alice, upTo: last) == 2)
        _ = try await offline.store(alice, .init([6], receivedAt: 1), now: 1, limit: nil)
        #expect(try await offline.take(alice, now: 1).map(\.stanza) == [[3], [4], [5], [6]])
    }

    @Test func storesWhatWasHandedOutAndForgetsEachByItself() async throws {
        _ = try await offline.store(alice, .init([1], receivedAt: 10), now: 10, limit: 1)
        let numbers = try await offline.store(alice, [.init([2], receivedAt: 3), .init([3], receivedAt: 10, expiresAt: 11)], now: 10)
        #expect(numbers == [11, 12], "behind what waits, without a limit")
        #expect(try await offline.store(bob, [.init([9], receivedAt: 10)], now: 10) == [10])
        #expect(try await offline.store(bob, [], now: 10) == [])
        #expect(try await offline.page(alice, limit: 9, now: 10).map(\.stanza) == [[1], [2], [3]])
        #expect(try await offline.page(alice, limit: 9, now: 10).map(\.receivedAt) == [10, 3, 10])
        #expect(try await offline.page(alice, limit: 9, now: 11).map(\.stanza) == [[1], [2]])
        try await offline.delete(alice, [11, 99])
        #expect(try await offline.present(alice, [10, 11, 12, 99]) == [10, 12])
        #expect(try await offline.count(bob) == 1)
    }

    @Test func deletesExpiredAndOldOnesOfADomain() async throws {
        try await withThrowingTaskGroup { group in
            for number in Int64(0)..<2500 {
                group.addTask {
                    _ = try await offline.store(
                        UserKey(user: "u\(number % 7)", domain: "x"),
                        .init([0], receivedAt: number, expiresAt: number % 2 == 0 ? number : nil), now: number, limit: nil)
                }
            }
            try await group.waitForAll()
        }
        _ = try await offline.store(alice, .init([0], receivedAt: 0, expiresAt: 0), now: 0, limit: nil)
        #expect(try await offline.deleteExpired("x", before: 2000) == 1000)
        #expect(try await offline.deleteOld("x", before: 2300) == 1000 + 300)
        #expect(try await offline.deleteOld("x", before: .max) == 200)
        #expect(try await offline.count(alice) == 1)
    }
}
