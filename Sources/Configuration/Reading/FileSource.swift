import Glibc

/// Where the files come from that a configuration names: the disk, or the bundle a worker was handed.
public protocol FileSource: AnyObject {
    /// The whole file. Throws when it is missing, unreadable, no regular file or larger than `FileFailure.limit`.
    func read(_ path: String) throws(FileFailure) -> [UInt8]
    /// The value of a variable of the environment. Workers get none of the master's, and so it travels like a file.
    func variable(_ name: String) throws(FileFailure) -> [UInt8]
}

extension FileSource {
    /// The name under which the value of a variable is kept beside the files.
    fileprivate func place(ofVariable name: String) -> String { "environment variable \(name)" }
}

/// Why a file that the configuration names cannot be used.
public struct FileFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The largest file that is read, in bytes: certificates, keys and lists of them are far smaller.
    public static let limit = 4 << 20

    public let description: String

    public init(_ description: String) { self.description = description }
}

/// A file that the configuration names, with what it held when it was read. Its bytes may be a private key,
/// so a description shows the path only.
public struct ConfiguredFile: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    public let path: String
    public let contents: [UInt8]

    public init(path: String, contents: [UInt8]) {
        self.path = path
        self.contents = contents
    }

    public var description: String { path }
    public var customMirror: Mirror { Mirror(self, children: ["path": path]) }
}

/// Reads from the disk and remembers what it read, so that the master can bundle it for the workers.
public final class DiskFiles: FileSource {
    /// Every file read so far, once each, in the order of the first reading.
    public private(set) var files: [ConfiguredFile] = []

    public init() {}

    public func read(_ path: String) throws(FileFailure) -> [UInt8] {
        if let known = files.first(where: { $0.path == path }) { return known.contents }
        let contents = try Self.contents(of: path)
        files.append(ConfiguredFile(path: path, contents: contents))
        return contents
    }

    public func variable(_ name: String) throws(FileFailure) -> [UInt8] {
        let place = place(ofVariable: name)
        if let known = files.first(where: { $0.path == place }) { return known.contents }
        guard let value = getenv(name) else { throw FileFailure("the environment of the server has no variable \(name)") }
        let contents = Array(String(cString: value).utf8)
        files.append(ConfiguredFile(path: place, contents: contents))
        return contents
    }

    /// Reads one file without remembering it; also used for the configuration file itself.
    public static func contents(of path: String) throws(FileFailure) -> [UInt8] {
        // A FIFO would block the open for ever, so it is opened without blocking and then refused.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileFailure(reason(errno)) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw FileFailure(reason(errno)) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw FileFailure("not a regular file") }
        guard facts.st_size <= FileFailure.limit else { throw FileFailure("larger than 4 MiB") }
        return try everything(from: descriptor)
    }

    private static func everything(from descriptor: Int32) throws(FileFailure) -> [UInt8] {
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return contents }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure(reason(errno))
            }
            contents += chunk[..<count]
            guard contents.count <= FileFailure.limit else { throw FileFailure("larger than 4 MiB") }
        }
    }

    private static func reason(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}

/// Answers from what a bundle brought along; a worker needs no file of the disk.
public final class BundledFiles: FileSource {
    private let contents: [String: [UInt8]]

    public init(_ files: [ConfiguredFile]) {
        contents = Dictionary(files.map { ($0.path, $0.contents) }, uniquingKeysWith: { first, _ in first })
    }

    public func read(_ path: String) throws(FileFailure) -> [UInt8] {
        guard let found = contents[path] else { throw FileFailure("not in the bundle") }
        return found
    }

    public func variable(_ name: String) throws(FileFailure) -> [UInt8] {
        guard let found = contents[place(ofVariable: name)] else {
            throw FileFailure("the environment of the server has no variable \(name)")
        }
        return found
    }
}
