import Foundation

/// A program in a terminal of its own, by way of tmux: what it shows can be read and keys can be sent to it.
public final class Terminal {
    private let tmux: String
    private let socket: String
    /// The terminal's socket is in it.
    private let directory: ScratchDirectory
    /// The program in the terminal, and tmux.
    private var processes: [ProcessHandle] = []

    /// Starts a program in a terminal of 200 columns and 60 lines.
    public init(_ command: String, in directory: ScratchDirectory, variables: [String: String] = [:]) throws {
        guard let tmux = Programs.installed("tmux") else { throw TestFailure("tmux is not installed") }
        self.tmux = tmux
        self.directory = directory
        socket = directory.file("tmux.sock")
        let settings = variables.map { "\($0)=\($1)" }
        defer { holdProcesses() }
        try run(["-f", "/dev/null", "new-session", "-d", "-x", "200", "-y", "60", "env"] + settings + [command])
    }

    private func holdProcesses() {
        let pids = (try? run(["list-panes", "-a", "-F", "#{pane_pid} #{pid}"])) ?? ""
        processes = pids.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }.compactMap(ProcessHandle.init)
    }

    /// By hand: what tmux would send to end its program is a signal that programs of tests do not hear.
    deinit { for process in processes { process.end() } }

    @discardableResult
    private func run(_ arguments: [String]) throws -> String {
        let outcome = try ChildProcess.run(
            tmux, ["-u", "-S", socket] + arguments,
            variables: ["TERM": "xterm-256color", "HOME": "/nonexistent", "SHELL": "/bin/sh"])
        guard outcome.status == 0 else { throw TestFailure("tmux \(arguments): \(outcome.error)") }
        return outcome.output
    }

    /// Types a line and the return key.
    public func type(_ line: String) throws {
        try run(["send-keys", "-l", line])
        try run(["send-keys", "Enter"])
    }

    /// What is on the screen.
    public func screen() throws -> String { try run(["capture-pane", "-p"]) }

    /// Waits until a text is on the screen.
    public func wait(for text: String, within seconds: Double = 30) throws {
        var last = ""
        do {
            try eventually("\"\(text)\"", within: seconds) {
                last = try screen()
                return last.contains(text)
            }
        } catch let failure as TestFailure {
            throw TestFailure("\(failure.description) on the screen:\n\(last)")
        }
    }
}
