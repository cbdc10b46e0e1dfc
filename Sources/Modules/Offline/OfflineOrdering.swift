internal import Storage

/// Sorts stored messages by the time at which they first came to the server. They are nearly always stored in that order;
/// those of a dead worker are stored by several others in any order.
enum OfflineOrdering {
    /// Milliseconds by which times must differ to count: workers read their clocks at the beginning of a turn.
    private static let tolerance: Int64 = 50

    /// A message in its place among others.
    struct Place: Equatable {
        let message: OfflineRepository.Header
        /// The number up to which all messages have been delivered once this one has.
        let upTo: Int64
    }

    /// The messages, each with the number up to which all have been delivered once it has: the numbers never fall.
    static func inOrder(_ page: [OfflineRepository.Header]) -> [Place] {
        var messages: [OfflineRepository.Header] = []
        for message in page {
            var place = messages.count
            while place > 0, messages[place - 1].receivedAt > message.receivedAt + tolerance { place -= 1 }
            messages.insert(message, at: place)
        }
        var lowest = (page.last?.sequence ?? 0) + 1
        var numbers: [Int64] = []
        for message in messages.reversed() {
            numbers.append(lowest - 1)
            lowest = min(lowest, message.sequence)
        }
        return Array(zip(messages, numbers.reversed())).map { Place(message: $0, upTo: $1) }
    }

    /// The same in portions of at most this many bytes; a larger message makes a portion of its own.
    static func portions(_ page: [OfflineRepository.Header], bytes: Int) -> [[Place]] {
        var (portions, size): ([[Place]], Int) = ([], 0)
        for place in inOrder(page) {
            size += place.message.size
            if size > bytes || portions.isEmpty {
                portions.append([])
                size = place.message.size
            }
            portions[portions.count - 1].append(place)
        }
        return portions
    }
}
