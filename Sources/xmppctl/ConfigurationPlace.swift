import Glibc

/// The configuration file that `xmppctl setup` writes, and those beside it: `FILE.new` while it is judged, `FILE.old` after.
struct ConfigurationPlace {
    private static let mode: mode_t = 0o640
    /// A configuration is far smaller, in bytes.
    private static let limit = 4 << 20

    let path: String

    var candidate: String { path + ".new" }
    var former: String { path + ".old" }

    /// What stands there now; nil if there is no file.
    func contents() throws(CommandError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw CommandError("cannot read \(path): \(reason(errno))")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= Self.limit else {
            throw CommandError("cannot read \(path): it is no file of at most 4 MiB")
        }
        var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
        var place = 0
        while place < bytes.count {
            let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + place }, $0.count - place) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw CommandError("cannot read \(path): \(reason(errno))") }
            if count == 0 { break }
            place += count
        }
        return String(decoding: bytes.prefix(place), as: UTF8.self)
    }

    /// Writes the candidate anew, readable for whom the present file, or else its directory, belongs to.
    func propose(_ text: String) throws(CommandError) {
        guard unlink(candidate) == 0 || errno == ENOENT else { throw CommandError("cannot replace \(candidate): \(reason(errno))") }
        let descriptor = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, Self.mode)
        guard descriptor >= 0 else { throw CommandError("cannot write \(candidate): \(reason(errno))") }
        defer { close(descriptor) }
        // The umask has no word in it.
        guard fchmod(descriptor, Self.mode) == 0 else { throw CommandError("cannot write \(candidate): \(reason(errno))") }
        inheritOwner(descriptor)
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw CommandError("cannot write \(candidate): \(reason(errno))") }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw CommandError("cannot write \(candidate): \(reason(errno))") }
    }

    /// Puts the candidate in the place of the file, which is kept.
    func accept() throws(CommandError) {
        // A link first, so that there is a configuration at every moment.
        guard unlink(former) == 0 || errno == ENOENT, link(path, former) == 0 || errno == ENOENT else {
            throw CommandError("cannot keep the old configuration as \(former): \(reason(errno))")
        }
        guard rename(candidate, path) == 0 else { throw CommandError("cannot write \(path): \(reason(errno))") }
    }

    /// Only root may give files away, and to others it does not matter.
    private func inheritOwner(_ descriptor: Int32) {
        guard geteuid() == 0 else { return }
        var facts = stat()
        if stat(path, &facts) == 0 {
            _ = fchown(descriptor, facts.st_uid, facts.st_gid)
        } else if stat(directory, &facts) == 0 {
            _ = fchown(descriptor, 0, facts.st_gid)
        }
    }

    private var directory: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
