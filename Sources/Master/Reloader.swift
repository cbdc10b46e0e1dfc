internal import Configuration
internal import IPC
internal import Operations
internal import Supervision
internal import Telemetry

/// A reload from the file to the answer: read, checked by the worker program, prepared by all workers, put in force.
/// One at a time; whatever fails, nothing has changed.
final class Reloader {
    private struct Proposal {
        let settings: MasterSettings
        let configuration: ServerConfiguration
        let notes: [Note]
    }

    private enum Stage {
        case idle
        case checking(Proposal, WorkerCheck)
        case preparing(Proposal)
    }

    private let pool: WorkerPool
    private let loop: EventLoop
    /// The configuration in force.
    private(set) var configuration: ServerConfiguration
    private(set) var generation: UInt32
    private var stage = Stage.idle
    private var completion: ((OperationResult) -> Void)?

    init(_ pool: WorkerPool, _ configuration: ServerConfiguration, generation: UInt32 = 1, on loop: EventLoop) {
        self.generation = generation
        self.pool = pool
        self.configuration = configuration
        self.loop = loop
    }

    var isIdle: Bool {
        if case .idle = stage { true } else { false }
    }

    /// Begins a reload; the completion is called once, now or later.
    func begin(_ completion: @escaping (OperationResult) -> Void) {
        guard case .idle = stage else {
            return completion(Operation.Failure(.unavailable, "another reload is under way; try again when it is over").result)
        }
        guard !pool.supervisor.isStopping else {
            return completion(Operation.Failure(.unavailable, "the server is stopping").result)
        }
        self.completion = completion
        switch ConfigurationFile.read(pool.settings.bundle.path) {
        case .refused(let problems): refuse(problems)
        case .usable(let settings, let configuration, let notes):
            check(Proposal(settings: settings, configuration: configuration, notes: notes))
        }
    }

    private func check(_ proposal: Proposal) {
        let path = proposal.settings.bundle.path
        let fixed = proposal.configuration.differences(from: configuration).filter(FixedOptions.contain)
        guard fixed.isEmpty else {
            let text = "has changed, which needs a restart in this version: xmppctl stop, then xmppctl start"
            return refuse(fixed.map { "\(path): \($0): \(text)" })
        }
        let check = WorkerCheck(
            proposal.settings.bundle, program: proposal.settings.workerProgram, account: proposal.settings.account, on: loop
        ) { [weak self] verdict in self?.checked(proposal, verdict) }
        stage = .checking(proposal, check)
    }

    private func checked(_ proposal: Proposal, _ verdict: WorkerCheck.Verdict) {
        switch verdict {
        case .problems(let problems): refuse(problems.map(\.sentence))
        case .failed(let sentence): refuse([sentence])
        case .accepted:
            generation += 1
            stage = .preparing(proposal)
            pool.proposals[generation] = proposal.settings.bundle
            pool.tell(.reload(generation: generation))
        }
    }

    /// The supervisor put it in force.
    func adopted(_ generation: UInt32) {
        guard generation == self.generation, case .preparing(let proposal) = stage else { return }
        if proposal.settings.logLevel != pool.settings.logLevel, let level = LogLevel(rawValue: proposal.settings.logLevel) {
            Log.level = level
            pool.sendToAll(.logLevel(level.rawValue))
        }
        pool.settings = proposal.settings
        configuration = proposal.configuration
    }

    /// The supervisor's last word about it.
    func ended(_ generation: UInt32, _ outcome: ReloadOutcome) {
        guard generation == self.generation, case .preparing(let proposal) = stage else { return }
        switch outcome {
        case .committed:
            finish(
                .success([
                    "configuration": .string(proposal.settings.bundle.path), "generation": .int(Int64(generation)),
                    "notes": .array(proposal.notes.map { .string($0.description) }),
                ]))
        case .rejected(_, let problems): finish(Operation.Failure(.configuration, problems.joined(separator: "\n")).result)
        case .busy, .restarting, .stopping, .died, .unanswered:
            finish(Operation.Failure(.failed, "nothing has changed: \(outcome.sentence)").result)
        }
    }

    private func refuse(_ problems: [String]) {
        Log.error("configuration not reloaded, nothing has changed", [Field("problems", problems.count)])
        for problem in problems { Log.error(problem) }
        finish(Operation.Failure(.configuration, problems.joined(separator: "\n")).result)
    }

    private func finish(_ result: OperationResult) {
        stage = .idle
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

/// Options that a reload cannot change: what is bound, locked or counted once at the start.
enum FixedOptions {
    private static let paths: Set<String> = [
        "listen", "listen.c2s", "listen.s2s", "listen.service", "listen.component", "listen.http", "xmppd.workers",
        "xmppd.control_socket", "xmppd.pid_file", "xmppd.user", "xmppd.group", "xmppd.storage", "xmppd.storage.path",
    ]
    private static let ofListeners: Set<String> = ["port", "ip_address", "ip_version", "proto", "backlog", "reuse_port"]

    /// Whether the option at this path, `listen.c2s[1].port`, is one of them.
    static func contain(_ path: String) -> Bool {
        if paths.contains(path) { return true }
        guard path.hasPrefix("listen."), let key = path.split(separator: ".").last.map(String.init) else { return false }
        return path.split(separator: ".").count == 3 && ofListeners.contains(key)
    }
}
