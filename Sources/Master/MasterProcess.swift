internal import Configuration
internal import Glibc
internal import IPC
internal import Operations
public import Supervision
internal import Telemetry

/// The master as a program: it checks, shows and reviews configurations, or runs the server. It reads no byte from the network.
public final class MasterProcess {
    private let loop = EventLoop()
    private let policy: SupervisionPolicy
    private let program = OwnProgram.path
    /// The program that this process executes once the server has stopped; nil: none, it exits.
    private var again: (program: String, words: [String])?

    /// - Parameter policy: deadlines and delays; those that the configuration has are replaced by its own.
    public init(policy: SupervisionPolicy = SupervisionPolicy()) { self.policy = policy }

    /// Reads and checks a configuration and prints problems and notes.
    /// - Returns: the exit status of `xmppd --check`.
    public func check(_ path: String) -> Int32 {
        guard let (settings, _, notes) = checkedConfiguration(path) else { return ExitStatus.configuration }
        for note in notes { Self.print(note.description) }
        if settings.runsWorkersAsRoot { Self.print("\(path): xmppd.user: warning: \(MasterSettings.rootWarning)") }
        return 0
    }

    /// Prints the settings of a file, with all defaults.
    /// - Returns: the exit status of `xmppd --show`.
    public func show(_ path: String, json: Bool) -> Int32 {
        switch ConfigurationFile.read(path) {
        case .refused(let problems):
            for problem in problems { Self.print(problem) }
            return ExitStatus.configuration
        case .usable(_, let configuration, _):
            let report = ConfigurationReport.settings(of: configuration, file: path)
            Self.printResult(json ? JSON.text(of: report) : ConfigurationListing.settings(report))
            return 0
        }
    }

    /// Prints all options, or those with a name.
    /// - Returns: the exit status of `xmppd --options`.
    public func options(_ name: String?, json: Bool) -> Int32 {
        switch ConfigurationReport.options(name) {
        case .failure(let objection):
            Self.print("xmppd: \(objection)")
            return ExitStatus.usage
        case .success(let report):
            Self.printResult(json ? JSON.text(of: report) : ConfigurationListing.options(report))
            return 0
        }
    }

    /// Prints the effect that each setting of a file has here; meant for files written for MongooseIM.
    /// - Returns: the exit status of `xmppd --import`.
    public func review(_ path: String, json: Bool) -> Int32 {
        let report: Value, isUsable: Bool
        switch ConfigurationFile.read(path) {
        case .usable(let settings, _, _): (report, isUsable) = ConfigurationReport.review(path, judged: objections(settings, path))
        case .refused(let lines): (report, isUsable) = ConfigurationReport.review(path, refused: lines)
        }
        Self.printResult(json ? JSON.text(of: report) : ConfigurationListing.review(report))
        return isUsable ? 0 : ExitStatus.configuration
    }

    private static func printResult(_ text: String) {
        let bytes = Array("\(text)\n".utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress.map { $0 + written }, bytes.count - written) }
            if count < 0 && errno != EINTR { return }
            written += max(0, count)
        }
    }

    /// Runs the server until it has stopped.
    /// - Returns: the exit status of the process.
    public func run(_ path: String) -> Int32 {
        guard let (settings, configuration, notes) = checkedConfiguration(path) else { return ExitStatus.configuration }
        Log.start(process: "master", level: LogLevel(rawValue: settings.logLevel) ?? .warning)
        for note in notes { Log.event(note.kind == .warning ? .warning : .info, note.description) }
        return attempt {
            let resources = try MasterResources.take(settings, on: loop)
            defer { resources.release() }
            raiseDescriptorLimit()
            if settings.runsWorkersAsRoot { Log.error(MasterSettings.rootWarning) }
            return try serve(settings, configuration, notes, resources)
        }
    }

    /// Goes on where the previous program of this process stopped.
    /// - Returns: the exit status of the process.
    public func adopt(_ number: Int32, _ path: String) -> Int32 {
        attempt {
            let state = try SelfExec.read(number)
            Log.start(process: "master", level: LogLevel(rawValue: state.logLevel) ?? .warning)
            guard case .usable(let settings, let configuration, let notes) = ConfigurationFile.read(state.bundle) else {
                throw StartFailure(
                    status: ExitStatus.configuration, description: "the configuration of the former image is not understood")
            }
            let resources = try MasterResources.adopt(state, settings, on: loop)
            defer { resources.release() }
            return try serve(settings, configuration, notes, resources, after: state)
        }
    }

    /// The versions of the protocols between the processes of this build, in one line.
    public static var versions: String { ProgramVersions.ofMaster.description }

    private func attempt(_ body: () throws -> Int32) -> Int32 {
        do {
            let status = try body()
            guard let again else { return status }
            Self.print("xmppd: \(SelfExec.execute(again.program, again.words))")
            return ExitStatus.osError
        } catch let failure as StartFailure {
            Self.print("xmppd: \(failure)")
            return failure.status
        } catch {
            Self.print("xmppd: \(error)")
            return ExitStatus.osError
        }
    }

    /// The configuration in full, judged by the worker program as well; nil once its problems are printed.
    private func checkedConfiguration(_ path: String) -> (MasterSettings, ServerConfiguration, [Note])? {
        let settings: MasterSettings, configuration: ServerConfiguration, notes: [Note]
        switch ConfigurationFile.read(path) {
        case .refused(let problems):
            for problem in problems { Self.print(problem) }
            return nil
        case .usable(let one, let two, let three): (settings, configuration, notes) = (one, two, three)
        }
        let objections = objections(settings, path)
        for objection in objections { Self.print(objection.sentence) }
        return objections.isEmpty ? (settings, configuration, notes) : nil
    }

    /// The worker program's objections to settings that have passed the master's own checks.
    private func objections(_ settings: MasterSettings, _ path: String) -> [ReportedProblem] {
        var verdict: WorkerCheck.Verdict?
        let check = WorkerCheck(
            settings.bundle, program: settings.workerProgram, account: settings.account, on: loop
        ) { verdict = $0 }
        withExtendedLifetime(check) { loop.run { verdict != nil } }
        switch verdict {
        case .problems(let problems): return problems
        case .failed(let sentence): return [ReportedProblem(file: path, line: 0, column: 0, path: "", text: sentence)]
        case .accepted, nil: return []
        }
    }

    private func serve(
        _ settings: MasterSettings, _ configuration: ServerConfiguration, _ notes: [Note], _ resources: MasterResources,
        after state: MasterState? = nil
    ) throws -> Int32 {
        let server = try RunningMaster(
            settings, configuration, notes, resources, program: program, policy: policy, after: state, on: loop)
        let status = try server.run(after: state)
        if status == 0, server.beginsAnew { again = (program, ["--config", settings.bundle.path]) }
        return status
    }

    /// Raises the limit of open files as far as the system allows: workers inherit it, and each connection is a descriptor.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    static func print(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
