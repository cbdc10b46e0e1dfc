public import Resolver

/// Finds a domain's server and connects to it: the records of its services, their addresses, one connection.
@LoopActor
public final class ServerDial {
    public struct Plan: Sendable {
        /// In ASCII.
        public var domain: String
        /// Where the operator says that the server is; nothing is looked up then.
        public var configured: ServerTargets?
        public var defaultPort: UInt16
        /// The first one is preferred, and only these are used.
        public var families: [AddressFamily]
        public var limits: ConnectionRace.Limits
        /// For whom it is done (`DNSResolver.requesterLimit`).
        public var requester: String
        /// Our own sockets, which are never connected to.
        public var listening: [ListeningAddress]

        public init(
            _ domain: String, configured: ServerTargets? = nil, defaultPort: UInt16 = 5269,
            families: [AddressFamily] = [.ipv4, .ipv6],
            limits: ConnectionRace.Limits = .init(), requester: String, listening: [ListeningAddress] = []
        ) {
            self.domain = domain
            self.configured = configured
            self.defaultPort = defaultPort
            self.families = families
            self.limits = limits
            self.requester = requester
            self.listening = listening
        }
    }

    /// Says who looks after the connection; nil closes it at once. The handshake may be begun on it here already.
    public typealias Connected = @LoopActor (Connection, ServerTarget) -> (any ConnectionDelegate)?
    public typealias Failed = @LoopActor (DialFailure) -> Void

    /// How long the records of one service are waited for when those of the other are there, in milliseconds.
    private static let patienceMilliseconds: Int64 = 2000
    static let ownSocket = "this is the server itself"

    private let plan: Plan
    private let resolver: DNSResolver
    private var connected: Connected?
    private var failed: Failed?
    /// What has been found and tried so far.
    public private(set) var report: DialReport

    private var began: Int64 = 0
    private var questions: [DNSResolver.Question] = []
    private var race: ConnectionRace?
    private var lookup: AddressLookup?
    private var attempts: [Int: ConnectAttempt] = [:]
    private var timer: Loop.Timer?

    /// Begins. One of the two is called in a later turn, never both, and none after `cancel`. Keep it until then.
    public init(_ plan: Plan, _ resolver: DNSResolver, connected: @escaping Connected, failed: @escaping Failed) {
        self.plan = plan
        self.resolver = resolver
        self.connected = connected
        self.failed = failed
        report = DialReport(domain: plan.domain)
        began = Loop.now
        if let given = plan.configured ?? ServerTargets(literal: plan.domain, port: plan.defaultPort) {
            Loop.submit { [self] in run(given) }
        } else {
            askForRecords()
        }
    }

    /// Gives up what is under way. A connection that was handed over stays.
    public func cancel() {
        (connected, failed) = (nil, nil)
        end()
    }

    /// The connection that was handed over is of no use, and closed: what has not been tried is tried, within the time for the
    /// whole. One of the two closures is called again.
    public func tryNext(because reason: String, connected: @escaping Connected, failed: @escaping Failed) {
        (self.connected, self.failed) = (connected, failed)
        Loop.submit { [self] in tell(.refused(reason: reason)) }
    }

    // MARK: Records

    private func askForRecords() {
        for isDirect in [true, false] {
            let service = isDirect ? ServerTargets.directService : ServerTargets.plainService
            let question = DNSQuestion(.service, "\(service).\(plan.domain)")
            questions.append(resolver.ask(question, for: plan.requester) { [self] in answered($0, isDirect: isDirect) })
        }
        let whole = Int64(plan.limits.whole / .milliseconds(1))
        timer = Loop.after(whole) { [self] in recordsAreThere() }
    }

    private func answered(_ outcome: DNSQuery.Outcome, isDirect: Bool) {
        if isDirect { report.direct = outcome } else { report.plain = outcome }
        if report.direct != nil, report.plain != nil { return recordsAreThere() }
        guard case .success = outcome else { return }
        timer?.cancel()
        timer = Loop.after(Self.patienceMilliseconds) { [self] in recordsAreThere() }
    }

    private func recordsAreThere() {
        for question in questions { question.cancel() }
        questions = []
        timer?.cancel()
        timer = nil
        let (direct, plain) = (report.direct ?? .failure(.timeout), report.plain ?? .failure(.timeout))
        (report.direct, report.plain) = (direct, plain)
        var generator = SystemRandomNumberGenerator()
        run(ServerTargets(plan.domain, direct: direct, plain: plain, defaultPort: plan.defaultPort, using: &generator))
    }

    // MARK: Connecting

    private func run(_ targets: ServerTargets) {
        guard failed != nil else { return }
        report.targets = targets
        if targets.list.isEmpty { return fail(.notOffered) }
        var limits = plan.limits
        limits.whole -= .milliseconds(Loop.now - began)
        race = ConnectionRace(targets.list, families: plan.families, limits: limits)
        tell(.started)
    }

    private func tell(_ event: ConnectionRace.Event) {
        guard let actions = race?.handle(event, now: Loop.now) else { return }
        report.trials = race?.record ?? []
        for action in actions { perform(action) }
    }

    private func perform(_ action: ConnectionRace.Action) {
        switch action {
        case .lookUp(let name):
            lookup = resolver.addresses(of: name, for: plan.requester) { [self] found in
                lookup = nil
                switch found {
                case .success(let addresses): tell(.found(addresses))
                case .failure(let failure): tell(.notFound(failure))
                }
            }
        case .begin(let attempt): begin(attempt)
        case .abandon(let number): attempts.removeValue(forKey: number)?.abandon()
        case .wake(let time):
            timer?.cancel()
            timer = Loop.after(time - Loop.now) { [self] in tell(.timePassed) }
        case .win(let attempt): win(attempt)
        case .giveUp: fail(.noConnection)
        }
    }

    private func begin(_ attempt: ConnectionRace.Attempt) {
        let (address, port) = (attempt.address, attempt.target.port)
        if ListeningAddress.isOwn(address, port: port, among: plan.listening) {
            return Loop.submit { [self] in tell(.failed(attempt.number, reason: Self.ownSocket)) }
        }
        attempts[attempt.number] = ConnectAttempt(address, port: port) { [self] _, failure in
            if let failure {
                attempts[attempt.number] = nil
                tell(.failed(attempt.number, reason: failure))
            } else {
                tell(.connected(attempt.number))
            }
        }
    }

    private func win(_ attempt: ConnectionRace.Attempt) {
        timer?.cancel()
        timer = nil
        guard let connection = attempts.removeValue(forKey: attempt.number)?.take() else { return fail(.noConnection) }
        let call = connected
        (connected, failed) = (nil, nil)
        connection.delegate = call?(connection, attempt.target)
        if connection.delegate == nil { connection.close(afterFlush: true) }
    }

    private func fail(_ reason: DialFailure.Reason) {
        let call = failed
        (connected, failed) = (nil, nil)
        end()
        call?(DialFailure(reason: reason, report: report))
    }

    private func end() {
        for question in questions { question.cancel() }
        questions = []
        lookup?.cancel()
        lookup = nil
        timer?.cancel()
        timer = nil
        for (_, attempt) in attempts { attempt.abandon() }
        attempts = [:]
        race = nil
    }
}
