internal import CPlatform
internal import Glibc

/// Judges the file at a path of the configuration before the server replaces it: a file that is not the server's stays.
enum OwnPlace {
    /// The reason why a path cannot be used; a clause without the path.
    struct Objection: Error, Equatable {
        let text: String
    }

    /// Most bytes of a file with a process id: 20 digits and a line's end. A longer file is not the server's.
    private static let longestLock = 21

    /// Accepts no file, or one with a process id that a server has left.
    static func check(lock file: Descriptor) throws(Objection) {
        var facts = stat()
        guard fstat(file.number, &facts) == 0 else { throw Objection(text: reason(errno)) }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw Objection(text: "it is \(kind(facts.st_mode)) and no file of the server's")
        }
        guard facts.st_nlink <= 1 else { throw Objection(text: "the file has another name, too, and so is not the server's") }
        var text = [UInt8](repeating: 0, count: longestLock + 1)
        let count = facts.st_size > longestLock ? text.count : pread(file.number, &text, text.count, 0)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let content = text.prefix(max(0, count))
        guard count <= longestLock, content.allSatisfy({ digits.contains($0) || $0 == 0x0A }) else {
            throw Objection(text: "the file there holds something else than a process id, and so is not the server's")
        }
    }

    /// Removes the socket at a path, if no process listens there.
    static func clear(socket path: String) throws(Objection) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else {
            if errno == ENOENT { return }
            throw Objection(text: reason(errno))
        }
        guard facts.st_mode & S_IFMT == S_IFSOCK else { throw Objection(text: "\(kind(facts.st_mode)) is there, and stays") }
        switch cplatform_probe_unix(path) {
        case 0: break
        case 1: throw Objection(text: "another program listens there")
        case let problem: throw Objection(text: "a socket of another kind is there, and stays (\(reason(-problem)))")
        }
        if unlink(path) != 0, errno != ENOENT { throw Objection(text: "the socket left there cannot be removed: \(reason(errno))") }
    }

    /// Removes the file at a path if its device and inode are these.
    static func remove(_ path: String, ifStill facts: stat?) {
        var named = stat()
        guard let facts, lstat(path, &named) == 0, named.st_ino == facts.st_ino, named.st_dev == facts.st_dev else { return }
        unlink(path)
    }

    /// Refuses a directory in which another user could put a link in the place of a file, if the master is root.
    static func check(directoryOf path: String) throws(Objection) {
        guard geteuid() == 0 else { return }
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var facts = stat()
        guard stat(directory, &facts) == 0 else { return }
        let isOpen = facts.st_mode & 0o022 != 0 && facts.st_mode & S_ISVTX == 0
        guard facts.st_uid != 0 || isOpen else { return }
        throw Objection(
            text: "the directory \(directory) is not root's alone, and root makes no files where others could put links: "
                + "chown root \(directory) and chmod go-w, or start the server as the user it belongs to")
    }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFREG: "a file"
        case S_IFDIR: "a directory"
        case S_IFLNK: "a symbolic link"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
