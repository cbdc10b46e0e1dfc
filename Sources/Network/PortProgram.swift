internal import CPlatform
internal import Glibc

/// A program of the operator's that answers requests: frames with two bytes of length, the higher first, on its standard
/// input and output. What it writes to standard error goes where ours goes.
///
/// It runs as the user that this process runs as, with the few variables of the environment that any child gets. When its input ends it is expected to end, too; a process group of its
/// own makes sure that its children end with it when it has to be killed.
@LoopActor
public final class PortProgram {
    public struct StartFailure: Error, Sendable, CustomStringConvertible {
        let call: String
        let number: CInt

        public var description: String { "\(call): \(String(cString: strerror(number)))" }
    }

    public enum Event: Sendable {
        case answer([UInt8])
        /// The last event, with a reason for the log.
        case ended(String)
    }

    /// The longest request: it fits into an empty pipe, so that writing never waits.
    public static let requestLimit = 60_000
    /// Those that have not been reaped.
    private static var living: [ObjectIdentifier: PortProgram] = [:]
    private static let graceMilliseconds: Int64 = 2000

    public var pid: Int32 { process.pid }
    /// Called between turns.
    public var heard: @LoopActor (Event) -> Void = { _ in }

    private let process: PortProcess
    private var output: Watch
    private var exit: Watch
    private var received: [UInt8] = []
    private var isOpen = true
    private var isReaped = false

    /// Starts a program; the words are its path and its arguments.
    public static func start(_ words: [String]) async throws(StartFailure) -> PortProgram {
        let started: Result<PortProcess, StartFailure>
        do {
            started = try await Loop.offload { () -> Result<PortProcess, StartFailure> in
                do throws(StartFailure) { return .success(try PortProcess.start(words)) } catch { return .failure(error) }
            }
        } catch { throw StartFailure(call: "thread", number: EAGAIN) }
        let program = PortProgram(try started.get())
        guard program.isOpen else { throw StartFailure(call: "epoll_ctl", number: ENOSPC) }
        return program
    }

    private init(_ process: PortProcess) {
        self.process = process
        output = Watch(process.output)
        exit = Watch(process.handle)
        Self.living[ObjectIdentifier(self)] = self
        if exit.begin(.input, Exit(self)) != 0 || output.begin(.input, self) != 0 { finish("it cannot be watched") }
    }

    /// Sends a request. False: it is too long, or the program takes nothing more.
    public func send(_ request: [UInt8]) -> Bool {
        guard isOpen, request.count <= Self.requestLimit else { return false }
        let frame = [UInt8(request.count >> 8), UInt8(request.count & 0xff)] + request
        let count = frame.withUnsafeBytes { Glibc.write(process.input, $0.baseAddress, $0.count) }
        return count == frame.count
    }

    /// Ends its input, and then it, if it does not end of itself.
    public func close() { finish("closed") }

    public func kill() {
        if !isReaped { Glibc.kill(-process.pid, SIGKILL) }
    }

    /// Waits until all programs have ended, and kills those that have not after so many milliseconds.
    public static func endAll(within milliseconds: Int64) async {
        for program in living.values { program.close() }
        let deadline = Loop.now + milliseconds
        while !living.isEmpty, Loop.now < deadline { await Loop.pause(10) }
        for program in living.values { program.kill() }
    }

    private func finish(_ reason: String) {
        guard isOpen else { return }
        isOpen = false
        output.end()
        Glibc.close(process.output)
        Glibc.close(process.input)
        let last = heard
        heard = { _ in }
        if !isReaped { Loop.after(Self.graceMilliseconds) { self.kill() } }
        Loop.endOfTurn { last(.ended(reason)) }
    }

    fileprivate func exited() {
        // Its children, if it left any. Until it is reaped nobody else can have its number.
        Glibc.kill(-process.pid, SIGKILL)
        var status: CInt = 0
        guard waitpid(process.pid, &status, CInt(WNOHANG)) != 0 else { return }
        isReaped = true
        exit.end()
        Glibc.close(process.handle)
        Self.living[ObjectIdentifier(self)] = nil
        // Its last answer may not have been read.
        readable()
        finish(Self.words(status))
    }

    private static func words(_ status: CInt) -> String {
        let signal = status & 0x7f
        return signal == 0 ? "it ended with status \(status >> 8 & 0xff)" : "it was ended by signal \(signal)"
    }
}

extension PortProgram: PollTarget {
    func readable() {
        guard isOpen else { return }
        var piece = [UInt8](repeating: 0, count: 4096)
        let count = read(process.output, &piece, piece.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return finish("it closed its output") }
        received += piece[..<count]
        while isOpen, received.count >= 2 {
            let length = Int(received[0]) << 8 | Int(received[1])
            guard received.count >= 2 + length else { return }
            let answer = Array(received[2..<2 + length])
            received.removeFirst(2 + length)
            heard(.answer(answer))
        }
    }
}

/// Waits for the end of the process.
@LoopActor
private final class Exit: PollTarget {
    private let program: PortProgram

    init(_ program: PortProgram) { self.program = program }

    func readable() { program.exited() }
}
