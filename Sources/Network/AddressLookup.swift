internal import Resolver

/// The look-up of a host's addresses: both families at once.
@LoopActor
public final class AddressLookup {
    /// How long the addresses of one family wait for those of the other, in milliseconds.
    private static let patienceMilliseconds: Int64 = 1000

    private var found: DNSResolver.Found?
    private var questions: [DNSResolver.Question] = []
    private var unanswered = 0
    private var addresses: [InternetAddress] = []
    /// The failure that says most: one that the other family may not have.
    private var failure: DNSFailure?
    private var timer: Loop.Timer?

    init(_ name: String, _ resolver: DNSResolver, _ requester: String, _ found: @escaping DNSResolver.Found) {
        self.found = found
        if let local = LocalNames.addresses(of: name) {
            addresses = local
            Loop.submit { [self] in end() }
            return
        }
        for kind in [DNSQuestion.Kind.ipv6, .ipv4] {
            unanswered += 1
            questions.append(resolver.ask(DNSQuestion(kind, name), for: requester) { [self] in answered($0) })
        }
    }

    /// It is not wanted any more, and `found` will not be called.
    public func cancel() {
        found = nil
        end()
    }

    private func answered(_ outcome: DNSQuery.Outcome) {
        unanswered -= 1
        switch outcome {
        case .success(let answer): addresses += answer.addresses
        // That a name has no address of one family says nothing about it.
        case .failure(let reason): if failure == nil || failure == .noData { failure = reason }
        }
        if unanswered == 0 { return end() }
        guard !addresses.isEmpty else { return }
        timer = Loop.after(Self.patienceMilliseconds) { [weak self] in self?.end() }
    }

    private func end() {
        for question in questions { question.cancel() }
        questions = []
        timer?.cancel()
        timer = nil
        let call = found
        found = nil
        call?(addresses.isEmpty ? .failure(failure ?? .noData) : .success(addresses))
    }
}
