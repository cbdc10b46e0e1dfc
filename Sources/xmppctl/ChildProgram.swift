import CPlatform
import Glibc

/// A program that is run to its end.
enum ChildProgram {
    /// - Returns: its exit status, 1 if a signal ended it, and what it wrote, without newlines at the end.
    static func run(_ program: String, _ words: [String]) throws(CommandError) -> (status: Int32, text: String) {
        let output = cplatform_sealable_file()
        guard output >= 0 else { throw CommandError("cannot make a memory file: \(reason(-output))") }
        defer { close(output) }
        let pid = CStrings.with([program] + words) { cplatform_spawn_background(program, $0, cplatform_environment(), output) }
        guard pid > 0 else { throw CommandError("cannot start \(program): \(reason(-pid))") }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let size = max(0, Int(lseek(output, 0, SEEK_END)))
        var bytes = [UInt8](repeating: 0, count: size)
        let count = pread(output, &bytes, size, 0)
        var text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        while text.last == "\n" { text.removeLast() }
        return (status & 0x7F == 0 ? status >> 8 & 0xFF : CommandStatus.failed, text)
    }
}
