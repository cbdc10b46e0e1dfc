internal import CPlatform
internal import Glibc
internal import IPC

/// Starts worker programs with a control channel, a few variables of the environment, and no other descriptor.
struct WorkerSpawner {
    /// A started process.
    struct Child {
        let pid: Int32
        /// The pidfd: readable at the exit of the process. Signals go through it, so that they never reach another process with
        /// the same id.
        let handle: Descriptor
        /// Our end of its channel, non-blocking.
        let channel: Descriptor
    }

    /// A descriptor of ours, and its number in the child.
    private struct Target {
        let from: Int32
        let to: Int32
    }

    let program: String

    /// `xmppd-worker` as a worker: its channel is descriptor 3.
    func worker(_ arguments: WorkerArguments) throws(SystemFailure) -> Child {
        let null = try descriptor(open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null")
        return try spawn(arguments.words) { end in [Target(from: null.number, to: 0), Target(from: end, to: controlDescriptor)] }
    }

    /// `xmppd-worker` in check mode: its channel is descriptors 0 and 1.
    func checker(_ account: ProcessAccount?, triesStorage: Bool) throws(SystemFailure) -> Child {
        let words = ["--check"] + (triesStorage ? ["--storage"] : []) + (account.map { ["--account", $0.description] } ?? [])
        return try spawn(words) { end in [Target(from: end, to: 0), Target(from: end, to: 1)] }
    }

    /// A program that prints an answer: its standard output is the channel.
    func asker(_ words: [String]) throws(SystemFailure) -> Child {
        let null = try descriptor(open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null")
        return try spawn(words) { end in [Target(from: null.number, to: 0), Target(from: end, to: 1)] }
    }

    private func spawn(_ words: [String], _ targets: (Int32) -> [Target]) throws(SystemFailure) -> Child {
        var ends: [Int32] = [-1, -1]
        let paired = cplatform_socketpair(&ends, 0)
        guard paired == 0 else { throw SystemFailure(call: "socketpair", number: -paired) }
        let ours = Descriptor(ends[0]), theirs = Descriptor(ends[1])
        // The other end stays blocking: the worker decides for itself. A source that equals a target would be closed on exec.
        guard fcntl(ours.number, F_SETFL, O_NONBLOCK) == 0 else { throw SystemFailure(call: "fcntl", number: errno) }
        let high = try descriptor(fcntl(theirs.number, F_DUPFD_CLOEXEC, 10), "fcntl")
        let pid = try start(words, targets(high.number))
        let handle = cplatform_pidfd_open(pid)
        guard handle >= 0 else {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw SystemFailure(call: "pidfd_open", number: -handle)
        }
        return Child(pid: pid, handle: Descriptor(handle), channel: ours)
    }

    private func start(_ words: [String], _ descriptors: [Target]) throws(SystemFailure) -> Int32 {
        let name = program.split(separator: "/").last.map(String.init) ?? program
        var arguments: [UnsafeMutablePointer<CChar>?] = ([name] + words).map { strdup($0) } + [nil]
        guard let variables = cplatform_child_environment() else { throw SystemFailure(call: "environment", number: ENOMEM) }
        defer {
            for text in arguments { free(text) }
            free(variables)
        }
        let from = descriptors.map(\.from), to = descriptors.map(\.to)
        let pid = cplatform_spawn(program, &arguments, variables, from, to, descriptors.count)
        guard pid > 0 else { throw SystemFailure(call: program, number: -pid) }
        return pid
    }
}

extension WorkerSpawner.Child {
    func kill() { _ = cplatform_pidfd_kill(handle.number, SIGKILL) }

    /// How the process ended, if it has; reaps it.
    func reap() -> Int32? {
        var status: Int32 = 0
        return waitpid(pid, &status, WNOHANG) == pid ? status : nil
    }
}
