import CPlatform
import Foundation

/// A process that a test has started. It is reached by a handle, never by its number alone, and does not outlive this object.
public final class ChildProcess: @unchecked Sendable {
    public let pid: Int32
    private let handle: Int32
    private let lock = NSLock()
    private var status: Int32?

    /// - Parameters:
    ///   - input: becomes standard input; -1 for /dev/null.
    ///   - output: becomes standard output; `error` standard error.
    ///   - variables: the whole environment.
    public init(
        _ program: String, _ arguments: [String], input: Int32 = -1, output: Int32, error: Int32,
        variables: [String: String] = [:]
    ) throws {
        let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(nothing) }
        let environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"].merging(variables) { $1 }
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in words + settings { free(text) } }
        let sources = [input < 0 ? nothing : input, output < 0 ? nothing : output, error < 0 ? nothing : error]
        pid = cplatform_spawn(program, &words, &settings, sources, [0, 1, 2], 3)
        guard pid > 0 else { throw TestFailure("\(program): \(String(cString: strerror(-pid)))") }
        handle = cplatform_pidfd_open(pid)
    }

    deinit {
        if status == nil {
            signal(SIGKILL)
            waitpid(pid, nil, 0)
        }
        close(handle)
    }

    public func signal(_ number: Int32) { _ = cplatform_pidfd_kill(handle, number) }

    /// The exit status, 128 + the number of the signal if one ended it; nil if it still runs at the deadline.
    public func wait(_ deadline: Deadline = Deadline()) -> Int32? {
        lock.lock()
        defer { lock.unlock() }
        if let status { return status }
        var entry = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, deadline.remaining) == 1 else { return nil }
        var word: Int32 = 0
        guard waitpid(pid, &word, 0) == pid else { return nil }
        status = word & 0x7F == 0 ? word >> 8 & 0xFF : 128 + word & 0x7F
        return status
    }
}

/// A hold on a process that something else has started.
struct ProcessHandle {
    private let descriptor: Int32

    /// Nil if there is no such process.
    init?(_ pid: Int32) {
        descriptor = cplatform_pidfd_open(pid)
        if descriptor < 0 { return nil }
    }

    var hasEnded: Bool { isReadable(0) }

    func kill() { _ = cplatform_pidfd_kill(descriptor, SIGKILL) }

    /// Kills it and waits until it is gone, so that it makes no more files in a directory that is being removed.
    func end() {
        kill()
        _ = isReadable(5_000)
        close(descriptor)
    }

    private func isReadable(_ milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) == 1
    }
}

/// What a program left behind that has ended.
public struct Outcome: Sendable {
    public let status: Int32
    public let output: String
    public let error: String
}

extension ChildProcess {
    /// Runs a program to its end.
    /// - Parameter input: what it reads from standard input.
    public static func run(
        _ program: String, _ arguments: [String], input: String = "", variables: [String: String] = [:], seconds: Double = 60
    ) throws -> Outcome {
        let files = try (0..<3).map { _ in try temporaryFile() }
        defer { for file in files { close(file) } }
        let bytes = Array(input.utf8)
        guard bytes.isEmpty || pwrite(files[0], bytes, bytes.count, 0) == bytes.count else {
            throw TestFailure("cannot write input")
        }
        let child = try ChildProcess(program, arguments, input: files[0], output: files[1], error: files[2], variables: variables)
        guard let status = child.wait(Deadline(seconds: seconds)) else {
            throw TestFailure("\(program) \(arguments.joined(separator: " ")) did not end in \(seconds) s: \(contents(files[2]))")
        }
        return Outcome(status: status, output: contents(files[1]), error: contents(files[2]))
    }

    /// An open file without a name.
    private static func temporaryFile() throws -> Int32 {
        var template = Array("/tmp/xmppd-XXXXXX\0".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw TestFailure("no temporary file: \(String(cString: strerror(errno)))") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return descriptor
    }

    private static func contents(_ descriptor: Int32) -> String {
        var text: [UInt8] = [], piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = pread(descriptor, &piece, piece.count, off_t(text.count)), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self)
    }
}
