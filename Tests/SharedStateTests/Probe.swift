import Glibc
import Testing

@testable import SharedState

/// Another process that works on a segment, to be killed: at the latest when nobody holds it any more.
final class Probe {
    enum End: Equatable {
        case exit(Int32), signal(Int32)
    }

    private let pid: pid_t
    private var known: End?

    /// Starts the probe, which lies beside the test program, with the segment as its descriptor 3.
    init(_ segment: SharedSegment, _ arguments: String...) throws {
        let program = try Self.directory() + "/SharedStateProbe"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, segment.descriptor, 3)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        try #require(posix_spawn(&pid, program, &actions, nil, words, environ) == 0)
        self.pid = pid
    }

    var isAlive: Bool {
        var facts = siginfo_t()
        return waitid(P_PID, UInt32(pid), &facts, WEXITED | WNOHANG | WNOWAIT) == 0 && facts.si_signo == 0
    }

    deinit { kill() }

    /// Waits for the end.
    @discardableResult
    func end() -> End {
        if let known { return known }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let end: End = status & 0x7f == 0 ? .exit(status >> 8 & 0xff) : .signal(status & 0x7f)
        known = end
        return end
    }

    @discardableResult
    func kill() -> End {
        if known == nil { _ = Glibc.kill(pid, SIGKILL) }
        return end()
    }

    private static func directory() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        try #require(length > 0)
        let path = String(decoding: buffer[..<length], as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    }
}
