public import Resolver

/// Asks the domain name system without waiting: the descriptors and times of each question are the loop's.
///
/// Whoever asks names somebody for whom it does; nobody has more questions under way than `requesterLimit`, and all together no more
/// than `limit`.
@LoopActor
public final class DNSResolver {
    public typealias Answered = @LoopActor (DNSQuery.Outcome) -> Void
    public typealias Found = @LoopActor (Result<[InternetAddress], DNSFailure>) -> Void

    /// Questions under way for one requester; more fail with `tooMany`.
    public static let requesterLimit = 16
    /// Questions under way in all, each of which has a descriptor or a few; more fail with `tooMany`.
    public static let limit = 256

    /// How questions are put from now on.
    public var options: ResolverOptions
    /// Questions under way.
    public private(set) var count = 0
    private var countOfRequester: [String: Int] = [:]

    public init(_ options: ResolverOptions) { self.options = options }

    /// `answered` is called once, in a later turn; never if the question is cancelled before.
    public func ask(_ question: DNSQuestion, for requester: String, _ answered: @escaping Answered) -> Question {
        let isWelcome = count < Self.limit && countOfRequester[requester, default: 0] < Self.requesterLimit
        let pending = Question(isWelcome ? self : nil, requester, answered)
        guard isWelcome else {
            pending.answer(.failure(.tooMany))
            return pending
        }
        count += 1
        countOfRequester[requester, default: 0] += 1
        pending.begin(question, options)
        return pending
    }

    /// The addresses of a host, as getaddrinfo finds them: `/etc/hosts` comes before the DNS. Those of one family are not kept
    /// waiting for long by name servers that do not answer for the other.
    public func addresses(of name: String, for requester: String, _ found: @escaping Found) -> AddressLookup {
        AddressLookup(name, self, requester, found)
    }

    fileprivate func over(_ requester: String) {
        count -= 1
        let left = countOfRequester[requester, default: 1] - 1
        countOfRequester[requester] = left > 0 ? left : nil
    }
}

extension DNSResolver {
    /// A question under way.
    @LoopActor
    public final class Question {
        /// Nil once it is over.
        private var resolver: DNSResolver?
        private let requester: String
        private var answered: Answered?
        private var query: DNSQuery?
        private var sockets: [Int32: Socket] = [:]
        private var timer: Loop.Timer?

        fileprivate init(_ resolver: DNSResolver?, _ requester: String, _ answered: @escaping Answered) {
            self.resolver = resolver
            self.requester = requester
            self.answered = answered
        }

        /// It is not wanted any more, and will not be answered.
        public func cancel() {
            answered = nil
            end()
        }

        fileprivate func begin(_ question: DNSQuestion, _ options: ResolverOptions) {
            query = DNSQuery(question, options) { [weak self] descriptor, reads, writes in
                LoopActor.assumeIsolated { self?.watch(descriptor, reads, writes) }
            }
            goOn()
        }

        fileprivate func answer(_ outcome: DNSQuery.Outcome) {
            end()
            Loop.submit { [self] in
                let call = answered
                answered = nil
                call?(outcome)
            }
        }

        fileprivate func proceed(readable: Int32? = nil, writable: Int32? = nil) {
            query?.proceed(readable: readable, writable: writable)
            goOn()
        }

        private func goOn() {
            timer?.cancel()
            timer = nil
            guard let query else { return }
            if let outcome = query.outcome { return answer(outcome) }
            // The timer keeps the question alive, whoever else lets it go.
            timer = Loop.after(query.waitMilliseconds) { [self] in proceed() }
        }

        private func watch(_ descriptor: Int32, _ reads: Bool, _ writes: Bool) {
            guard reads || writes else {
                sockets.removeValue(forKey: descriptor)?.end()
                return
            }
            var interest: Poller.Interest = []
            if reads { interest.insert(.input) }
            if writes { interest.insert(.output) }
            let socket = sockets[descriptor] ?? Socket(descriptor, self)
            sockets[descriptor] = socket
            socket.want(interest)
        }

        private func end() {
            timer?.cancel()
            timer = nil
            query?.cancel()
            query = nil
            resolver?.over(requester)
            resolver = nil
        }
    }

    /// A descriptor of c-ares.
    @LoopActor
    private final class Socket: PollTarget {
        private var watch: Watch
        private weak var question: Question?

        init(_ descriptor: Int32, _ question: Question) {
            watch = Watch(descriptor)
            self.question = question
        }

        func want(_ interest: Poller.Interest) {
            _ = watch.begin(interest, self)
            watch.want(interest)
        }

        func end() { watch.end() }
        func readable() { question?.proceed(readable: watch.descriptor) }
        func writable() { question?.proceed(writable: watch.descriptor) }
    }
}
