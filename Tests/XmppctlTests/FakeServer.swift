import CPlatform
import Foundation
import IPC
import Synchronization

/// A control socket that answers as a test wants it, on a thread of its own.
final class FakeServer: Sendable {
    enum Reaction: Sendable {
        case success(Value)
        case failure(code: String, text: String)
        case progress(Value)
        /// Bytes as they are.
        case bytes([UInt8])
        case hangUp
    }

    let directory: String
    private let requests = Mutex<[ControlRequest]>([])
    private let listener: Int32
    private let end: (read: Int32, write: Int32)

    var socket: String { directory + "/control.sock" }

    /// What was asked for, with the arguments.
    var asked: [ControlRequest] { requests.withLock { $0 } }

    convenience init(_ script: @escaping @Sendable (ControlRequest) -> [Reaction]) throws {
        try self.init { request, _ in script(request) }
    }

    /// - Parameter script: what comes of each request; it is also given the directory of the socket.
    init(_ script: @escaping @Sendable (ControlRequest, _ directory: String) -> [Reaction]) throws {
        directory = try temporaryDirectory()
        listener = cplatform_listen_unix(directory + "/control.sock", 0o600, 16)
        var pair: [Int32] = [-1, -1]
        guard listener >= 0, cplatform_socketpair(&pair, 0) == 0 else { throw CocoaError(.fileWriteUnknown) }
        end = (pair[0], pair[1])
        let listener = listener, ended = end.read
        Thread.detachNewThread { [weak self] in
            while Self.isReadable(listener, unless: ended) {
                let connection = cplatform_accept(listener)
                if connection >= 0 { self?.serve(BlockingChannel(adopting: connection, limit: FrameLimit.control), script) }
            }
            close(listener)
            close(ended)
        }
    }

    deinit {
        close(end.write)
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func serve(_ channel: BlockingChannel, _ script: (ControlRequest, String) -> [Reaction]) {
        while let frame = try? channel.receive(), let request = try? ControlRequest(frame) {
            requests.withLock { $0.append(request) }
            for reaction in script(request, directory) {
                let bytes: [UInt8]
                switch reaction {
                case .success(let value): bytes = ControlReply(id: request.id, .result(.success(value))).encoded()
                case .failure(let code, let text):
                    bytes = ControlReply(id: request.id, .result(.failure(code: code, text: text))).encoded()
                case .progress(let value): bytes = ControlReply(id: request.id, .progress(value)).encoded()
                case .bytes(let raw): bytes = raw
                case .hangUp: return
                }
                try? channel.send(bytes)
            }
        }
    }

    private static func isReadable(_ listener: Int32, unless ended: Int32) -> Bool {
        var entries = [
            pollfd(fd: listener, events: Int16(POLLIN), revents: 0), pollfd(fd: ended, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&entries, 2, -1) < 0, errno == EINTR {}
        return entries[1].revents == 0
    }
}

func temporaryDirectory() throws -> String {
    var name = Array((NSTemporaryDirectory() + "/xmppctl-XXXXXX").utf8CString)
    guard mkdtemp(&name) != nil else { throw CocoaError(.fileWriteUnknown) }
    return String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}
