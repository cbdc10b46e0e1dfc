/// Finds what somebody probably meant.
enum NearestName {
    /// The known name with the fewest edits, if they are few against its length.
    static func to(_ name: String, among known: some Collection<String>) -> String? {
        let letters = Array(name.lowercased().utf8.prefix(64))
        let limit = max(1, letters.count / 3)
        let ranked = known.map { (distance(letters, Array($0.utf8)), $0) }
        guard let best = ranked.min(by: { ($0.0, $0.1) < ($1.0, $1.1) }), best.0 <= limit else { return nil }
        return best.1
    }

    /// The least number of bytes to insert, delete, replace or swap with their neighbour.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var previous = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(
                    previous[column + 1] + 1, current[column] + 1, previous[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, before[column - 1] + 1)
                }
                current.append(cost)
            }
            before = previous
            previous = current
        }
        return previous.last ?? 0
    }
}
