internal import Storage

/// Stored messages in the order in which they first came to the server. That of their storing is nearly always the same,
/// but what a dying worker leaves to several others is stored by whoever is first.
enum OfflineOrdering {
    /// Milliseconds within which times say nothing: workers read their clocks at the beginning of a turn.
    private static let tolerance: Int64 = 50

    /// Each with the number up to which everything has been handed out when it has been: the numbers never fall.
    static func inOrder(_ page: [OfflineRepository.Message]) -> [(message: OfflineRepository.Message, upTo: Int64)] {
        var messages: [OfflineRepository.Message] = []
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
        return Array(zip(messages, numbers.reversed())).map { (message: $0, upTo: $1) }
    }
}
