internal import CPlatform
internal import Glibc
internal import IPC
internal import Supervision

/// Executes the master's program anew in its process, with or without its state.
enum SelfExec {
    /// Executes a program in this process, which goes on with the state.
    /// - Returns: only if that failed; why.
    static func execute(_ program: String, _ words: [String], _ state: MasterState) -> String {
        let file: Descriptor
        do throws(SystemFailure) {
            file = try descriptor(cplatform_sealable_file(), "memfd_create")
            try write(state.encoded(), to: file)
        } catch {
            return error.description
        }
        let inherited = state.descriptors.union([file.number])
        for number in inherited { setInherited(number, true) }
        let problem = execute(program, words + ["--adopt", "\(file.number)"])
        for number in inherited { setInherited(number, false) }
        return problem
    }

    /// Executes a program in this process's place.
    /// - Returns: only if that failed; why.
    static func execute(_ program: String, _ words: [String]) -> String {
        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) } + [nil]
        defer { for text in arguments { free(text) } }
        execv(program, &arguments)
        return SystemFailure(call: "execute \(program)", number: errno).description
    }

    /// Reads the state that the previous program has written to this file, and marks its descriptors close-on-exec.
    static func read(_ number: Int32) throws(StartFailure) -> MasterState {
        let file = Descriptor(number)
        var facts = stat()
        guard fstat(file.number, &facts) == 0, facts.st_size > 0, facts.st_size < 256 << 20 else {
            throw StartFailure(
                status: ExitStatus.usage, description: "--adopt is for the former image of this program, not for people")
        }
        var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
        guard pread(file.number, &bytes, bytes.count, 0) == bytes.count else {
            throw StartFailure(
                status: ExitStatus.osError, description: "cannot read what the former image has left: \(reason(errno))")
        }
        do throws(WireError) {
            let state = try MasterState(bytes)
            for number in state.descriptors { setInherited(number, false) }
            return state
        } catch {
            throw StartFailure(
                status: ExitStatus.software, description: "cannot understand what the former image has left: \(error)")
        }
    }

    private static func setInherited(_ number: Int32, _ isInherited: Bool) {
        _ = fcntl(number, F_SETFD, isInherited ? 0 : FD_CLOEXEC)
    }

    private static func write(_ bytes: [UInt8], to file: Descriptor) throws(SystemFailure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file.number, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            guard count > 0 else { throw SystemFailure(call: "write", number: errno) }
            written += count
        }
    }
}

/// The path of the master's own program, where an upgrade puts the newer one.
enum OwnProgram {
    /// The path by which the program was called, if it names a file; otherwise /proc/self/exe. Read once, early: later the
    /// file may be another.
    static let path: String = {
        if let called = CommandLine.arguments.first, called.contains("/"), access(called, X_OK) == 0 { return called }
        return executable
    }()

    /// The program of this name in the same directory, or in the directory of programs that are not called by hand: with
    /// `/usr/sbin/xmppd` that is `/usr/libexec/xmppd`.
    static func beside(_ name: String) -> String {
        let directories = [path, executable].map(directory)
        let candidates = directories.map { "\($0)/\(name)" } + directories.map { "\(directory(of: $0))/libexec/xmppd/\(name)" }
        return candidates.first { access($0, X_OK) == 0 } ?? candidates.first ?? name
    }

    private static func directory(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    private static let executable: String = {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        return String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}
