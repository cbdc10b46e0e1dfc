internal import CPlatform
internal import Glibc

/// A process that was started for a port: its pid cannot be another's before it is reaped.
struct PortProcess: Sendable {
    let pid: pid_t
    /// Readable once the process has ended.
    let handle: CInt
    /// Written to: its standard input.
    let input: CInt
    /// Read from: its standard output.
    let output: CInt

    /// Starts a program. Blocks until it is loaded.
    static func start(_ words: [String]) throws(PortProgram.StartFailure) -> PortProcess {
        guard let program = words.first else { throw PortProgram.StartFailure(call: "exec", number: ENOENT) }
        var requests: [CInt] = [-1, -1], answers: [CInt] = [-1, -1]
        try check(cplatform_pipe(&requests), "pipe")
        let failed = cplatform_pipe(&answers)
        guard failed == 0 else {
            close(requests)
            throw PortProgram.StartFailure(call: "pipe", number: -failed)
        }
        let pid = spawn(program, words, requests[0], answers[1])
        close([requests[0], answers[1]])
        let rest = [requests[1], answers[0]]
        guard pid > 0 else {
            close(rest)
            throw PortProgram.StartFailure(call: program, number: -pid)
        }
        let handle = cplatform_pidfd_open(pid)
        let failure = min(handle, cplatform_set_nonblocking(rest[0]), cplatform_set_nonblocking(rest[1]))
        guard failure >= 0 else {
            close(rest + (handle >= 0 ? [handle] : []))
            kill(-pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw PortProgram.StartFailure(call: "pidfd_open", number: -failure)
        }
        return PortProcess(pid: pid, handle: handle, input: rest[0], output: rest[1])
    }

    private static func check(_ result: CInt, _ call: String) throws(PortProgram.StartFailure) {
        if result < 0 { throw PortProgram.StartFailure(call: call, number: -result) }
    }

    private static func close(_ descriptors: [CInt]) {
        for descriptor in descriptors { Glibc.close(descriptor) }
    }

    private static func spawn(_ program: String, _ words: [String], _ input: CInt, _ output: CInt) -> pid_t {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer {
            for text in arguments { free(text) }
        }
        guard let variables = cplatform_child_environment() else { return -ENOMEM }
        defer { free(variables) }
        return cplatform_spawn_port(program, &arguments, variables, input, output)
    }
}
