import Testing

@testable import Kernel

@Suite("RFC 6121 §8.5: which resources take a message", .timeLimit(.minutes(1)))
struct MessageRulesTests {
    typealias Row = (type: String?, resources: String, toAccount: MessageRules.Way, toMissing: MessageRules.Way)

    /// Resources as their priorities; in brackets one that is not available.
    static let rows: [Row] = [
        // §8.5.2.2: nobody is there.
        ("chat", "", .offline, .offline), ("normal", "", .offline, .refuse), (nil, "", .offline, .refuse),
        ("headline", "", .ignore, .ignore), ("groupchat", "", .refuse, .refuse), ("error", "", .ignore, .ignore),
        // §8.5.2.1: all that are willing.
        ("chat", "0", .deliver([0]), .deliver([0])), ("chat", "0 5", .deliver([0, 1]), .deliver([0, 1])),
        ("normal", "0 5", .deliver([0, 1]), .refuse), ("headline", "0 5", .deliver([0, 1]), .ignore),
        ("groupchat", "0 5", .refuse, .refuse), ("error", "0 5", .ignore, .ignore),
        // A negative priority takes nothing that is for the account.
        ("chat", "-1", .offline, .offline), ("chat", "-1 0", .deliver([1]), .deliver([1])),
        ("chat", "-1 -128", .offline, .offline), ("headline", "-1", .ignore, .ignore),
        ("normal", "127 -1 0", .deliver([0, 2]), .refuse),
        // Nor does one that has not said to be there.
        ("chat", "(0)", .offline, .offline), ("chat", "(0) 1", .deliver([1]), .deliver([1])),
        ("headline", "(5)", .ignore, .ignore),
        // §5.2.2: an unknown type is normal.
        ("unheard-of", "0", .deliver([0]), .refuse), ("", "", .offline, .refuse),
    ]

    @Test("each type, to the account and to a resource that is not there", arguments: rows.indices)
    func wayIsChosen(index: Int) {
        let row = Self.rows[index]
        let resources = row.resources.split(separator: " ").map { text in
            MessageRules.Resource(priority: Int8(text.filter { $0 != "(" && $0 != ")" }) ?? 0, isAvailable: !text.hasPrefix("("))
        }
        let type = MessageRules.MessageType(row.type)
        #expect(MessageRules.toAccount(type, resources) == row.toAccount)
        #expect(MessageRules.toMissingResource(type, resources) == row.toMissing)
    }
}
