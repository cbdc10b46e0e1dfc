/// Which connected resources take a stanza for an account: RFC 6121 §8.5, as functions without a server around them.
enum MessageRules {
    enum MessageType: Equatable {
        case normal, chat, groupchat, headline, error

        /// An unknown type counts as `normal` (RFC 6121 §5.2.2).
        init(_ type: String?) {
            switch type {
            case "chat": self = .chat
            case "groupchat": self = .groupchat
            case "headline": self = .headline
            case "error": self = .error
            default: self = .normal
            }
        }
    }

    struct Resource: Equatable {
        var priority: Int8
        var isAvailable: Bool
    }

    enum Way: Equatable {
        /// Deliver to the resources with these positions.
        case deliver([Int])
        /// Offline storage, or an error if there is none.
        case offline
        case refuse
        case ignore
    }

    /// A message for a bare address (§8.5.2), or for a full one that is not connected (§8.5.3.2.1 sends it here).
    static func toAccount(_ type: MessageType, _ resources: [Resource]) -> Way {
        let willing = resources.indices.filter { resources[$0].isAvailable && resources[$0].priority >= 0 }
        switch type {
        case .error: return .ignore
        case .groupchat: return .refuse
        case .headline: return willing.isEmpty ? .ignore : .deliver(willing)
        case .chat, .normal: return willing.isEmpty ? .offline : .deliver(willing)
        }
    }

    /// A message for a full address that no connected resource has (§8.5.3.2).
    static func toMissingResource(_ type: MessageType, _ resources: [Resource]) -> Way {
        // Only `chat` is a conversation that another resource may go on with.
        switch type {
        case .chat: toAccount(type, resources)
        case .groupchat, .normal: .refuse
        case .headline, .error: .ignore
        }
    }
}
