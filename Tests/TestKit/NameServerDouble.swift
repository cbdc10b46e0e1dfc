import CPlatform
import Foundation
import Synchronization

/// A name server on 127.0.0.1, over UDP and TCP, that says what it was told to say.
public final class NameServerDouble: Sendable {
    public enum Record: Sendable {
        case ipv4(String)
        case ipv6(String)
        case service(UInt16, UInt16, UInt16, String)
        /// Another name, and a record of that one.
        indirect case alias(String, Record)
    }

    public enum Reply: Sendable {
        /// What is too long for a datagram comes over TCP.
        case records([Record])
        /// A response code of RFC 1035 §4.1.1: 2 server failure, 3 no such name, 5 refused.
        case code(UInt8)
        case silence
        /// Whatever comes behind the head of an answer that claims to have one record.
        case damaged([UInt8])
        /// No answer at all.
        case noise([UInt8])
        /// The answer to another question.
        case otherName([Record])
    }

    public let port: UInt16
    private let zone: [String: Reply]
    private let asked = Mutex<[String]>([])
    private let wakeUp: (Int32, Int32)

    /// - Parameter zone: by kind and name, as `SRV _xmpp-server._tcp.example.org`. There are no other names.
    public init?(_ zone: [String: Reply]) {
        self.zone = zone
        var address = cplatform_address(), ends: [Int32] = [0, 0]
        guard cplatform_parse_address("127.0.0.1", &address) == 0, pipe(&ends) == 0 else { return nil }
        wakeUp = (ends[0], ends[1])
        // Nearly always the first port is free for both.
        for _ in 0..<20 {
            address.port = 0
            let datagrams = cplatform_bind_udp(&address, 0)
            let streams = cplatform_listen_tcp(&address, 16, 0)
            if datagrams >= 0, streams >= 0 {
                port = address.port
                Thread.detachNewThread { [weak self, end = ends[0]] in
                    defer { [datagrams, streams, end].forEach { close($0) } }
                    Self.serve(datagrams, streams, end) { self?.answer(to: $0, isDatagram: $1) }
                }
                return
            }
            if datagrams >= 0 { close(datagrams) }
            if streams >= 0 { close(streams) }
        }
        return nil
    }

    deinit { close(wakeUp.1) }

    /// What has been asked so far, in order.
    public var questions: [String] { asked.withLock { $0 } }

    // MARK: Sockets

    private typealias Answer = (_ question: [UInt8], _ isDatagram: Bool) -> [UInt8]?

    private static func serve(_ datagrams: Int32, _ streams: Int32, _ end: Int32, _ answer: Answer) {
        while true {
            var list = [datagrams, streams, end].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&list, 3, -1) > 0 || errno == EINTR else { return }
            if list[2].revents != 0 { return }
            if list[0].revents != 0 { answerDatagram(datagrams, answer) }
            if list[1].revents != 0 { answerStream(streams, answer) }
        }
    }

    private static func answerDatagram(_ socket: Int32, _ answer: Answer) {
        var peer = sockaddr_storage(), length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var question = [UInt8](repeating: 0, count: 1024)
        let count = withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(socket, &question, question.count, 0, $0, &length)
            }
        }
        guard count > 12, let bytes = answer(Array(question.prefix(count)), true) else { return }
        _ = withUnsafePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(socket, bytes, bytes.count, 0, $0, length) }
        }
    }

    private static func answerStream(_ listener: Int32, _ answer: Answer) {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        defer { close(socket) }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var question: [UInt8] = [], block = [UInt8](repeating: 0, count: 1024)
        while question.count < 2 || question.count < 2 + Int(question[0]) << 8 + Int(question[1]) {
            let count = recv(socket, &block, block.count, 0)
            guard count > 0 else { return }
            question += block.prefix(count)
        }
        guard let bytes = answer(Array(question.dropFirst(2)), false) else { return }
        let framed = [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
        var at = 0
        while at < framed.count {
            let sent = framed.withUnsafeBytes { send(socket, $0.baseAddress! + at, framed.count - at, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return }
            at += sent
        }
    }

    // MARK: Messages

    private func answer(to question: [UInt8], isDatagram: Bool) -> [UInt8]? {
        let (name, end) = Self.name(question)
        guard end + 4 <= question.count else { return nil }
        let kinds: [UInt8: String] = [1: "A", 28: "AAAA", 33: "SRV"]
        let key = "\(kinds[question[end + 1]] ?? "?") \(name)"
        asked.withLock { $0.append(key) }
        let asked = Array(question[12..<(end + 4)])
        switch zone[key] ?? .code(zone.keys.contains { $0.hasSuffix(" \(name)") } ? 0 : 3) {
        case .silence: return nil
        case .noise(let bytes): return bytes
        case .code(let code): return Self.head(question, code: code, count: 0) + asked
        case .damaged(let bytes): return Self.head(question, code: 0, count: 1) + asked + bytes
        case .otherName(let records):
            let other = Self.bytes("other.example") + [0, question[end + 1], 0, 1]
            return Self.head(question, code: 0, count: records.count) + other + records.flatMap { Self.bytes($0) }
        case .records(let records):
            let count = records.reduce(0) { if case .alias = $1 { $0 + 2 } else { $0 + 1 } }
            let whole = Self.head(question, code: 0, count: count) + asked + records.flatMap { Self.bytes($0) }
            guard isDatagram, whole.count > 512 else { return whole }
            return Self.head(question, code: 0, count: 0, isCut: true) + asked
        }
    }

    private static func name(_ question: [UInt8]) -> (String, end: Int) {
        var labels: [String] = [], place = 12
        while place < question.count, question[place] > 0 {
            let end = min(question.count, place + 1 + Int(question[place]))
            labels.append(String(decoding: question[(place + 1)..<end], as: UTF8.self))
            place = end
        }
        return (labels.joined(separator: ".").lowercased(), place + 1)
    }

    private static func head(_ question: [UInt8], code: UInt8, count: Int, isCut: Bool = false) -> [UInt8] {
        [question[0], question[1], isCut ? 0x87 : 0x85, 0x80 | code, 0, 1, UInt8(count >> 8), UInt8(count & 255), 0, 0, 0, 0]
    }

    private static func bytes(_ record: Record, of owner: [UInt8] = [0xC0, 12]) -> [UInt8] {
        func whole(_ type: UInt8, _ data: [UInt8]) -> [UInt8] {
            owner + [0, type, 0, 1, 0, 0, 14, 16, UInt8(data.count >> 8), UInt8(data.count & 255)] + data
        }
        switch record {
        case .ipv4(let text): return whole(1, address(text).prefix(4).map { $0 })
        case .ipv6(let text): return whole(28, address(text))
        case .service(let priority, let weight, let port, let target):
            return whole(33, [priority, weight, port].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } + bytes(target))
        case .alias(let name, let record): return whole(5, bytes(name)) + bytes(record, of: bytes(name))
        }
    }

    private static func address(_ text: String) -> [UInt8] {
        var address = cplatform_address()
        _ = cplatform_parse_address(text, &address)
        return withUnsafeBytes(of: address.bytes) { Array($0) }
    }

    private static func bytes(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }
}
