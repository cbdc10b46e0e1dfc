import Foundation

/// A directory that a test has to itself; gone with this object. With `XMPPD_TEST_KEEP` set it stays, to be looked at.
public final class ScratchDirectory: Sendable {
    public let path: String

    public init() throws {
        // Short, since paths of sockets may have no more than 107 bytes.
        var template = Array("/tmp/xmppd-XXXXXX\0".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("no directory: \(String(cString: strerror(errno)))") }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        guard ProcessInfo.processInfo.environment["XMPPD_TEST_KEEP"] == nil else { return }
        try? FileManager.default.removeItem(atPath: path)
    }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }

    /// What a file holds; empty if there is none.
    public func read(_ name: String) -> String {
        FileManager.default.contents(atPath: file(name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
