internal import Glibc

/// A point in Unix time.
struct Moment: Equatable {
    var seconds: Int
    var nanoseconds: Int
}

/// How one event becomes one line of text.
///
/// `2026-03-01T12:00:00.123Z info worker[1] session bound session=17 user=ada@example.org`
enum LogLine {
    /// Longest line in bytes, newline included: what a pipe takes in one piece (`PIPE_BUF`), so that the lines of
    /// several processes never mix. A longer line is cut and ends in `…`.
    static let limit = 4096

    static func render(
        at time: Moment, _ level: LogLevel, process: String, _ event: String, _ fields: [Field], prefixed: Bool
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(160)
        if prefixed { line += "<\(level.priority)>".utf8 }
        appendTimestamp(time, to: &line)
        line.append(space)
        line += level.rawValue.utf8
        line.append(space)
        if !process.isEmpty {
            line += process.utf8
            line.append(space)
        }
        appendMessage(event, fields, to: &line)
        if line.count >= limit { cut(&line) }
        line.append(0x0A)
        return line
    }

    /// The event and its fields, without time, level and process: the journal keeps those itself.
    static func appendMessage(_ event: String, _ fields: [Field], to line: inout [UInt8]) {
        appendEscaped(event.utf8, quotes: false, to: &line)
        for field in fields {
            line.append(space)
            line += field.name.utf8
            line.append(0x3D)
            appendValue(field.value, to: &line)
        }
    }

    /// RFC 3339 in UTC with milliseconds.
    static func appendTimestamp(_ time: Moment, to line: inout [UInt8]) {
        var seconds = time.seconds
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return line.append(0x2D) }
        appendNumber(Int(parts.tm_year) + 1900, digits: 4, to: &line)
        let rest: [(mark: UInt8, value: Int32)] = [
            (0x2D, parts.tm_mon + 1), (0x2D, parts.tm_mday), (0x54, parts.tm_hour), (0x3A, parts.tm_min), (0x3A, parts.tm_sec),
        ]
        for (mark, value) in rest {
            line.append(mark)
            appendNumber(Int(value), digits: 2, to: &line)
        }
        line.append(0x2E)
        appendNumber(time.nanoseconds / 1_000_000, digits: 3, to: &line)
        line.append(0x5A)
    }

    private static func appendNumber(_ value: Int, digits: Int, to line: inout [UInt8]) {
        var unit = 1
        for _ in 1..<digits { unit *= 10 }
        var rest = value
        while unit > 0 {
            line.append(0x30 + UInt8(truncatingIfNeeded: rest / unit % 10))
            rest %= unit
            unit /= 10
        }
    }

    /// A value is quoted when a reader could not tell its end otherwise.
    private static func appendValue(_ value: String, to line: inout [UInt8]) {
        let plain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > space && $0 != 0x7F && $0 != quote && $0 != 0x3D && $0 != backslash }
        if plain { return line += value.utf8 }
        line.append(quote)
        appendEscaped(value.utf8, quotes: true, to: &line)
        line.append(quote)
    }

    /// Control characters never reach the log raw: a peer's text must not be able to begin a line of its own.
    private static func appendEscaped(_ text: String.UTF8View, quotes: Bool, to line: inout [UInt8]) {
        for byte in text {
            switch byte {
            case 0x0A: line += [backslash, 0x6E]
            case 0x0D: line += [backslash, 0x72]
            case 0x09: line += [backslash, 0x74]
            case 0..<0x20, 0x7F:
                line += [backslash, 0x78, hexDigit(byte >> 4), hexDigit(byte & 15)]
            case quote where quotes, backslash where quotes: line += [backslash, byte]
            default: line.append(byte)
            }
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    /// Shortens the line to leave room for the mark and the newline, at the edge of a UTF-8 character.
    private static func cut(_ line: inout [UInt8]) {
        let mark = Array("…".utf8)
        var end = limit - mark.count - 1
        while end > 0, line[end] & 0xC0 == 0x80 { end -= 1 }
        line.removeSubrange(end...)
        line += mark
    }

    private static let space: UInt8 = 0x20
    private static let quote: UInt8 = 0x22
    private static let backslash: UInt8 = 0x5C
}
