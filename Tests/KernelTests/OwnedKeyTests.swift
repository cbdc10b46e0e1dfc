import Testing

@testable import Kernel

@Suite(.timeLimit(.minutes(1))) struct OwnedKeyTests {
    private static let keys = (0..<6_400).map { OwnedKey(OwnedKind(rawValue: UInt8($0 % 3)), "key-\($0)@rooms.example.org") }

    @Test func aKeyMovesOnlyWhereItMust() {
        for count in 1..<OwnedKeyTests.most {
            for key in Self.keys {
                let (before, after) = (key.index(among: count), key.index(among: count + 1))
                #expect(before < count && (after == before || after == count))
            }
        }
    }

    private static let most = 64

    @Test(arguments: [2, 3, 8, 64]) func eachIndexGetsItsShare(count: Int) {
        var shares = [Int](repeating: 0, count: count)
        for key in Self.keys { shares[key.index(among: count)] += 1 }
        let even = Self.keys.count / count
        #expect(shares.allSatisfy { $0 > even / 2 && $0 < even * 2 }, "\(shares)")
    }

    /// Other processes, of this release and the next, find the same.
    @Test func theHashIsFixed() {
        let found = ["", "a", "juliet", "coven@chat.shakespeare.lit", "é"].map {
            OwnedKey(OwnedKind(rawValue: 7), $0).index(among: 64)
        }
        #expect(found == [2, 14, 62, 55, 13])
    }

    @Test func kindsAreApart() {
        let (one, other) = (OwnedKey(OwnedKind(rawValue: 1), "x"), OwnedKey(OwnedKind(rawValue: 2), "x"))
        #expect(one != other && one == OwnedKey(OwnedKind(rawValue: 1), "x"))
    }
}
