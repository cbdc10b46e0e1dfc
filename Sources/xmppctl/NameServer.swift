import Resolver

/// Whom to ask for records: the system's name servers, or one of the administrator's choice.
struct NameServer {
    /// How long somebody at a terminal is willing to wait for one record.
    private static let timeout = Duration.seconds(4)

    private let resolver: BlockingResolver

    /// - Parameter choice: an IPv4 address, with or without a port.
    init(_ choice: String?) throws(CommandError) {
        var options = ResolverOptions(timeout: Self.timeout, tries: 1)
        if let choice {
            guard let server = NameServerAddress(choice), server.address.family == .ipv4 else {
                throw CommandError(
                    "--nameserver '\(printable(choice))': expected an IPv4 address, or one with a port, as 192.0.2.1:53",
                    CommandStatus.usage)
            }
            options.servers = [server]
        }
        resolver = BlockingResolver(options)
    }

    /// The records that a name has, none if there are none; nil if nobody answers.
    func answer(_ kind: DNSQuestion.Kind, _ name: String) -> DNSAnswer? {
        switch resolver.answer(to: DNSQuestion(kind, name)) {
        case .success(let answer): answer
        case .failure(let failure): failure.isAnswer ? DNSAnswer(addresses: []) : nil
        }
    }
}
