internal import CSystemd
internal import Glibc
internal import Synchronization

/// Carries finished events out of the process. Nothing is buffered: an event is written when it happens, or lost
/// when its destination does not take it (a log must not be able to stop the server).
final class Emitter: Sendable {
    static let shared = Emitter()

    private struct Setting {
        var process = ""
        var destination = LogDestination.lines(prefixed: false)
    }

    private let setting = Mutex(Setting())

    func configure(process: String, destination: LogDestination) {
        setting.withLock { $0 = Setting(process: process, destination: destination) }
    }

    func emit(_ level: LogLevel, _ event: String, _ fields: [Field]) {
        let setting = setting.withLock { $0 }
        switch setting.destination {
        case .lines(let prefixed):
            write(level, event, fields, process: setting.process, prefixed: prefixed)
        case .journal:
            if !Journal.send(level, event, fields, process: setting.process) {
                // Standard error is the journal's stream here, or the next best place; the prefix keeps the priority.
                write(level, event, fields, process: setting.process, prefixed: true)
            }
        }
    }

    private func write(_ level: LogLevel, _ event: String, _ fields: [Field], process: String, prefixed: Bool) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let moment = Moment(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
        let line = LogLine.render(at: moment, level, process: process, event, fields, prefixed: prefixed)
        while Glibc.write(STDERR_FILENO, line, line.count) < 0, errno == EINTR {}
    }
}

/// The journal of systemd: each field of an event becomes a field of its entry.
enum Journal {
    /// - Returns: false when the journal did not take the entry.
    static func send(_ level: LogLevel, _ event: String, _ fields: [Field], process: String) -> Bool {
        var entries: [[UInt8]] = []
        var message = Array("MESSAGE=".utf8)
        LogLine.appendMessage(event, fields, to: &message)
        entries.append(message)
        entries.append(Array("PRIORITY=\(level.priority)".utf8))
        entries.append(Array("SYSLOG_IDENTIFIER=xmppd".utf8))
        if !process.isEmpty { entries.append(Array("XMPPD_PROCESS=\(process)".utf8)) }
        for field in fields { entries.append(Array("\(journalName(field.name))=\(field.value)".utf8)) }
        return send(entries)
    }

    /// A journal field has a name of capitals, digits and underscores, at most 64 bytes, and ours a prefix.
    static func journalName(_ name: String) -> String {
        var bytes = Array("XMPPD_".utf8)
        for byte in name.utf8.prefix(58) {
            switch byte {
            case 0x61...0x7A: bytes.append(byte - 0x20)
            case 0x30...0x39, 0x41...0x5A: bytes.append(byte)
            default: bytes.append(0x5F)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func send(_ entries: [[UInt8]]) -> Bool {
        let flat = entries.flatMap { $0 }
        return flat.withUnsafeBytes { bytes in
            var vectors: [iovec] = []
            var offset = 0
            for entry in entries {
                let start = bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + offset) }
                vectors.append(iovec(iov_base: start, iov_len: entry.count))
                offset += entry.count
            }
            return sd_journal_sendv(vectors, Int32(vectors.count)) == 0
        }
    }
}
