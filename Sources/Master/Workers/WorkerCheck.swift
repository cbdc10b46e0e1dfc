internal import IPC
internal import Telemetry

/// Has the worker program check a configuration: certificates, keys, ciphers, all that needs a library. The check runs
/// unprivileged in a process of its own, so that its faults do not reach the master.
final class WorkerCheck {
    enum Verdict: Equatable {
        case accepted
        case problems([ReportedProblem])
        /// The check could not be carried out; a sentence.
        case failed(String)
    }

    /// How long a check may take, in milliseconds; past it the process is killed and the check has failed.
    static let patienceMilliseconds: Int64 = 20_000

    private let program: String
    private var child: WorkerSpawner.Child?
    private var channel: FrameChannel?
    private var watch: EventLoop.Watch?
    private var answer: Verdict?
    private var completion: ((Verdict) -> Void)?

    /// Starts a check.
    /// - Parameters:
    ///   - triesStorage: whether the check includes that the database can be written.
    ///   - completion: called once, on the loop, never before this returns.
    init(
        _ bundle: ConfigurationBundle, program: String, account: ProcessAccount?, triesStorage: Bool = false, on loop: EventLoop,
        completion: @escaping (Verdict) -> Void
    ) {
        self.program = program
        self.completion = completion
        do throws(SystemFailure) {
            start(try WorkerSpawner(program: program).checker(account, triesStorage: triesStorage), bundle, on: loop)
        } catch {
            let text = "cannot start the worker program: \(error); correct xmppd.worker_program or install it"
            loop.after(0) { self.finish(.failed(text)) }
        }
    }

    private func start(_ child: WorkerSpawner.Child, _ bundle: ConfigurationBundle, on loop: EventLoop) {
        self.child = child
        channel = FrameChannel(child.channel, on: loop, frameLimit: FrameLimit.worker, queueLimit: FrameLimit.worker + 64) {
            [weak self] event in self?.occurred(event)
        }
        watch = loop.watch(child.handle.number, for: Readiness.input) { _ in self.ended() }
        if channel?.send(MasterMessage.configure(bundle).encoded()) == false {
            answer = .failed("the configuration with all files it names is larger than \(FrameLimit.worker >> 20) MiB")
            child.kill()
        }
        loop.after(Self.patienceMilliseconds) { [weak self] in self?.expired() }
    }

    private func occurred(_ event: FrameChannel.Event) {
        guard answer == nil, case .frame(let frame) = event else { return }
        switch try? WorkerMessage(frame) {
        case .ready: answer = .accepted
        case .refused(let problems): answer = .problems(problems)
        default: answer = .failed("\(program) --check gave an answer that is none")
        }
    }

    private func ended() {
        channel?.drain()
        guard let status = child?.reap() else { return }
        let text = "\(program) --check ended without a verdict (\(describe(ExitStatusWord(status)))); run it by hand to see why"
        finish(answer ?? .failed(text))
    }

    private func expired() {
        guard completion != nil else { return }
        child?.kill()
        answer = .failed("\(program) --check gave no verdict in \(Self.patienceMilliseconds / 1_000) s")
    }

    private func finish(_ verdict: Verdict) {
        watch?.cancel()
        watch = nil
        channel?.close()
        channel = nil
        child = nil
        let completion = completion
        self.completion = nil
        completion?(verdict)
    }
}
