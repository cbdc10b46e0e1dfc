internal import CPlatform
internal import Glibc

/// A file with the process id of its owner, locked as long as the owner lives. Only the lock tells that the owner lives, not
/// the file: the kernel releases the lock however the process ends.
final class InstanceLock {
    enum Failure: Error, Equatable, CustomStringConvertible {
        /// Another process holds it; its process id if the file tells.
        case held(path: String, by: Int32?)
        case system(path: String, SystemFailure)
        /// The path has a file that is not the server's; a clause says what.
        case notOurs(path: String, String)

        var description: String {
            switch self {
            case .held(let path, let pid?):
                "another xmppd is running (pid \(pid)): it holds \(path); stop it, or give this one files of its own"
            case .held(let path, nil):
                "another xmppd is running: it holds \(path); stop it, or give this one files of its own"
            case .system(let path, let failure): "cannot lock \(path): \(failure)"
            case .notOurs(let path, let objection): "\(path): \(objection)"
            }
        }
    }

    let path: String
    private let file: Descriptor

    /// Locks the file, creating it if need be, and writes this process's id into it.
    init(_ path: String) throws(Failure) {
        self.path = path
        file = try Self.lock(path)
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(file.number, 0) == 0, pwrite(file.number, text, text.count, 0) == text.count else {
            throw .system(path: path, SystemFailure(call: "write", number: errno))
        }
    }

    /// A lock of the previous program: it is this process's own.
    init(adopting lock: MasterState.Lock) {
        path = lock.path
        file = Descriptor(lock.descriptor)
    }

    var possession: MasterState.Lock { MasterState.Lock(path: path, descriptor: file.number) }

    /// Removes the file, if it still is this one, and releases the lock.
    func release() {
        var facts = stat()
        if fstat(file.number, &facts) == 0 { OwnPlace.remove(path, ifStill: facts) }
    }

    private static func lock(_ path: String) throws(Failure) -> Descriptor {
        do throws(OwnPlace.Objection) { try OwnPlace.check(directoryOf: path) } catch { throw .notOurs(path: path, error.text) }
        while true {
            let result = cplatform_lock_file(path)
            if result == -EWOULDBLOCK { throw .held(path: path, by: owner(path)) }
            guard result >= 0 else { throw .system(path: path, SystemFailure(call: "open", number: -result)) }
            let file = Descriptor(result)
            do throws(OwnPlace.Objection) { try OwnPlace.check(lock: file) } catch { throw .notOurs(path: path, error.text) }
            // A former owner may have removed the file between open and lock: the lock would be on a file without a name.
            var held = stat(), named = stat()
            if fstat(file.number, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino, held.st_dev == named.st_dev {
                return file
            }
        }
    }

    private static func owner(_ path: String) -> Int32? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(number)
        var text = [UInt8](repeating: 0, count: 16)
        let count = read(file.number, &text, text.count)
        guard count > 0 else { return nil }
        return Int32(String(decoding: text[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
