internal import Glibc

/// Times and memory of a process, from proc(5).
struct ProcessFacts: Equatable {
    /// User and system time, in milliseconds.
    var cpuMilliseconds: Int64?
    /// Resident memory in bytes, shared pages counted in full.
    var residentBytes: Int64?
    /// Resident memory in bytes, each shared page divided by the number of its sharers.
    var proportionalBytes: Int64?

    init(of pid: Int32) {
        if let text = Self.read("/proc/\(pid)/stat") { cpuMilliseconds = Self.cpu(stat: text) }
        if let text = Self.read("/proc/\(pid)/smaps_rollup") {
            proportionalBytes = Self.bytes("Pss:", in: text)
            residentBytes = Self.bytes("Rss:", in: text)
        }
    }

    /// Fields 14 and 15; the name before them is in parentheses and may contain anything.
    static func cpu(stat text: String) -> Int64? {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int64(fields[11]), let system = Int64(fields[12]) else { return nil }
        return (user + system) * 1_000 / Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    /// The value of a line such as `Pss:   1234 kB`, in bytes.
    static func bytes(_ name: String, in text: String) -> Int64? {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return line.dropFirst(name.utf8.count).split(separator: " ").first.flatMap { Int64($0) }.map { $0 << 10 }
        }
        return nil
    }

    private static func read(_ path: String) -> String? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(number)
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(file.number, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
