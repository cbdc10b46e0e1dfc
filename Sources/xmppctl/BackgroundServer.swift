import CPlatform
import Glibc
import IPC

/// A server that this program has started in the background, in a session of its own.
///
/// Without a log file its standard error is a memory file, from which its complaints can be read if it gives up.
/// Once it is ready the file is emptied and sealed: from then on what is written there is lost, as with /dev/null.
struct BackgroundServer {
    let pid: pid_t
    private let errors: Int32
    /// Where in the file its own words begin.
    private let beginning: off_t
    private let isMemory: Bool

    /// Milliseconds between two looks at a server that is not ready.
    private static let pauseMilliseconds: UInt32 = 50

    init(_ program: String, _ words: [String], log: String?) throws(CommandError) {
        isMemory = log == nil
        let errors = try Self.output(log)
        self.errors = errors
        beginning = lseek(errors, 0, SEEK_END)
        pid = CStrings.with([program] + words) { cplatform_spawn_background(program, $0, cplatform_environment(), errors) }
        guard pid > 0 else {
            close(errors)
            throw CommandError("cannot start \(program): \(reason(-pid))")
        }
    }

    /// Waits until all workers are ready.
    /// - Returns: how many there are.
    func waitUntilReady(_ server: ControlConnection) throws(CommandError) -> Int64 {
        let deadline = Self.now + Int64(server.patienceSeconds) * 1000
        while Self.now < deadline {
            if let status = exitStatus() { throw CommandError(errorText, status) }
            if let workers = readyWorkers(server) {
                release()
                return workers
            }
            usleep(Self.pauseMilliseconds * 1000)
        }
        throw CommandError(
            "xmppd (pid \(pid)) is not ready after \(server.patienceSeconds) s; it was left running\n\(errorText)",
            CommandStatus.unavailable)
    }

    /// How many workers there are if all are ready; nil if not, or if it is not our server that answers.
    private func readyWorkers(_ server: ControlConnection) -> Int64? {
        do throws(CommandError) {
            let status = try server.perform("status")
            let workers = status["workers"]?.array ?? []
            guard status["master"]?.number("pid") == Int64(pid), !workers.isEmpty else { return nil }
            return workers.allSatisfy { $0["state"]?.string == "ready" } ? Int64(workers.count) : nil
        } catch {
            return nil
        }
    }

    /// The exit status of the server if it has given up; 1 if a signal ended it.
    private func exitStatus() -> Int32? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let code = status >> 8 & 0xFF
        return status & 0x7F == 0 && code != 0 ? code : CommandStatus.failed
    }

    private var errorText: String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = pread(errors, &bytes, bytes.count, beginning)
        var text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        while text.last == "\n" { text.removeLast() }
        return text.isEmpty ? "xmppd ended without a word" : "xmppd did not start:\n\(text)"
    }

    private func release() {
        if isMemory { _ = cplatform_seal_empty(errors) }
        close(errors)
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private static func output(_ log: String?) throws(CommandError) -> Int32 {
        guard let log else {
            let file = cplatform_sealable_file()
            guard file >= 0 else { throw CommandError("cannot make a memory file: \(reason(-file))") }
            return file
        }
        let file = open(log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw CommandError("cannot open \(log): \(reason(errno))") }
        return file
    }
}
