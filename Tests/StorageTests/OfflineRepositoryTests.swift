import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(5))) struct OfflineRepositoryTests {
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
            #expect(
                try await offline.store(alice, .init([number], receivedAt: 100 - Int64(number)), now: 100 - Int64(number), limit: 5)
                    == .stored)
        }
        _ = try await offline.store(bob, .init([9], receivedAt: 1), now: 1, limit: 5)
        #expect(try await offline.count(alice) == 5)
        let taken = try await offline.page(alice, limit: 9, now: 0)
        #expect(taken.map(\.stanza) == [[1], [2], [3], [4], [5]])
        #expect(taken.map(\.receivedAt) == [99, 98, 97, 96, 95])
        #expect(try await offline.delete(alice, upTo: taken.last?.sequence ?? 0) == 5)
        #expect(try await offline.page(alice, limit: 9, now: 0) == [])
        #expect(try await offline.count(bob) == 1)
    }

    @Test func holdsTheLimitUntilExpiredOnesGiveWay() async throws {
        #expect(try await offline.store(alice, .init([1], receivedAt: 1, expiresAt: 50), now: 1, limit: 2) == .stored)
        #expect(try await offline.store(alice, .init([2], receivedAt: 2), now: 2, limit: 2) == .stored)
        #expect(try await offline.store(alice, .init([3], receivedAt: 3), now: 3, limit: 2) == .full)
        #expect(try await offline.store(alice, .init([4], receivedAt: 60), now: 60, limit: 2) == .stored)
        #expect(try await offline.page(alice, limit: 9, now: 60).map(\.stanza) == [[2], [4]])
        #expect(try await offline.store(alice, .init([5], receivedAt: 61), now: 61, limit: 0) == .full)
    }

    @Test func doesNotHandOutWhatHasExpired() async throws {
        _ = try await offline.store(alice, .init([1], receivedAt: 1, expiresAt: 50), now: 1, limit: nil)
        _ = try await offline.store(alice, .init([2], receivedAt: 1, expiresAt: 51), now: 1, limit: nil)
        #expect(try await offline.page(alice, limit: 10, now: 50).map(\.stanza) == [[2]])
        #expect(try await offline.page(alice, limit: 10, now: 50).map(\.expiresAt) == [51])
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
        #expect(try await offline.page(alice, limit: 9, now: 1).map(\.stanza) == [[3], [4], [5], [6]])
    }

    @Test func storesWhatWasHandedOutAndForgetsEachByItself() async throws {
        _ = try await offline.store(alice, .init([1], receivedAt: 10), now: 10, limit: 1)
        let numbers = try await offline.store(
            alice, [.init([2], receivedAt: 3), .init([3], receivedAt: 10, expiresAt: 11)], now: 10)
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

    @Test("bytes are bounded, and counted down with each way in which a stanza goes")
    func holdsTheBoundOfBytes() async throws {
        func store(_ bytes: Int, now: Int64, expiresAt: Int64? = nil, limit: Int? = nil) async throws
            -> OfflineRepository.StoreResult
        {
            let stanza = OfflineRepository.NewMessage([UInt8](repeating: 1, count: bytes), receivedAt: now, expiresAt: expiresAt)
            return try await offline.store(alice, stanza, now: now, limit: limit, mostBytes: 100)
        }
        #expect(try await store(1000, now: 1) == .stored, "one alone is kept, whatever its size")
        #expect(try await store(1, now: 2) == .full)
        #expect(try await offline.delete(alice, upTo: 1) == 1)
        #expect(try await store(60, now: 3) == .stored)
        #expect(try await store(40, now: 4, expiresAt: 10) == .stored)
        #expect(try await store(1, now: 5) == .full)
        #expect(try await store(40, now: 10) == .stored, "what has expired gives way")
        try await offline.delete(alice, [3, 99])
        #expect(try await store(60, now: 11) == .stored)
        #expect(try await store(1, now: 12) == .full)
        #expect(try await offline.store(alice, [.init([1], receivedAt: 12)], now: 12) == [12], "handed out already")
        #expect(try await offline.delete(alice, upTo: 13) == 3)
        #expect(try await offline.count(alice) == 0)
        #expect(try await store(100, now: 14) == .stored)
    }

    @Test func headersSayHowLargeStanzasAre() async throws {
        for size in 1...3 {
            _ = try await offline.store(alice, .init([UInt8](repeating: 9, count: size), receivedAt: 1), now: 1, limit: nil)
        }
        let headers = try await offline.headers(alice, limit: 9, now: 1)
        #expect(headers.map(\.size) == [1, 2, 3])
        let stanzas = try await offline.stanzas(alice, [headers[2].sequence, 77, headers[0].sequence])
        #expect(stanzas.map(\.stanza) == [[9, 9, 9], [9]])
        #expect(try await offline.headers(alice, after: headers[1].sequence, limit: 9, now: 1) == [headers[2]])
    }
}
