internal import Configuration
internal import Glibc
internal import IPC
internal import Storage

/// `xmppd-worker --check`: one configuration comes in on descriptor 0, the verdict goes out on descriptor 1.
enum ConfigurationCheck {
    private static let refusedStatus: Int32 = 78
    private static let malformedStatus: Int32 = 70

    /// - Parameter triesStorage: whether the database must be usable by this process, too.
    static func run(triesStorage: Bool) -> Int32 {
        guard case .configure(let bundle)? = message() else { return malformedStatus }
        let problems = problems(of: bundle, triesStorage)
        let answer = problems.isEmpty ? WorkerMessage.ready : .refused(problems)
        return send(answer.encoded()) ? (problems.isEmpty ? 0 : refusedStatus) : malformedStatus
    }

    private static func problems(of bundle: ConfigurationBundle, _ triesStorage: Bool) -> [ReportedProblem] {
        let configuration: ServerConfiguration
        do throws(ConfigurationReading.Refusal) {
            configuration = try ConfigurationReading.read(bundle)
        } catch {
            return error.problems
        }
        var problems = AuthenticationCheck.problems(configuration) + PoolCheck.problems(configuration)
        do throws(TLSSetup.Failure) { _ = try TLSSetup.contexts(configuration) } catch { problems += error.problems }
        do throws(TLSSetup.Failure) {
            _ = try TLSSetup.federation(configuration)
        } catch {
            // A certificate that listeners use as well is wrong once.
            let known = Set(problems.map(\.path))
            problems += error.problems.filter { !known.contains($0.path) }
        }
        do throws(TLSSetup.Failure) { try TLSSetup.judgeFurther(configuration) } catch { problems += error.problems }
        if triesStorage, problems.isEmpty { problems += storageProblems(configuration) }
        return problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }.map { problem in
            var problem = problem
            problem.file = bundle.path
            return problem
        }
    }

    private static func storageProblems(_ configuration: ServerConfiguration) -> [ReportedProblem] {
        let option = "xmppd.storage.path"
        do throws(StorageError) {
            try StorageProbe.run(path: configuration.native.storagePath)
            return []
        } catch {
            let place = configuration.position(of: option)
            let text = "\(error); user \(getuid()) of this machine must be able to write there"
            return [
                ReportedProblem(
                    file: "", line: UInt32(clamping: place?.line ?? 0), column: UInt32(clamping: place?.column ?? 0), path: option,
                    text: text)
            ]
        }
    }

    private static func message() -> MasterMessage? {
        var reader = FrameReader(limit: FrameLimit.worker)
        var frames: [Frame] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            do throws(WireError) {
                try reader.feed(Array(chunk[..<count]), into: &frames)
                if let frame = frames.first { return try MasterMessage(frame) }
            } catch {
                return nil
            }
        }
    }

    private static func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
