import Glibc
import IPC

/// Numbers as people read them.
enum Quantity {
    /// `45 s`, `12 min 30 s`, `3 h 5 min`, `9 d 4 h`
    static func duration(seconds: Int64) -> String {
        let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        guard let first = units.firstIndex(where: { seconds >= $0.0 }) else { return "0 s" }
        let (size, name) = units[first]
        let whole = "\(seconds / size) \(name)"
        guard first + 1 < units.count else { return whole }
        let rest = seconds % size / units[first + 1].0
        return rest == 0 ? whole : "\(whole) \(rest) \(units[first + 1].1)"
    }

    /// Processor time: `0.04 s`, `75.3 s`, `5 min 12 s`
    static func processorTime(milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<10_000: "\(milliseconds / 1000).\(digits(milliseconds % 1000 / 10, 2)) s"
        case ..<100_000: "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
        default: duration(seconds: milliseconds / 1000)
        }
    }

    /// `812 KiB`, `11.4 MiB`, `1.2 GiB`
    static func memory(bytes: Int64) -> String {
        switch bytes {
        case ..<(1 << 20): "\(bytes >> 10) KiB"
        case ..<(1 << 30): tenths(bytes, of: 1 << 20) + " MiB"
        default: tenths(bytes, of: 1 << 30) + " GiB"
        }
    }

    /// `80 us`, `1.5 ms`, `2.0 s`
    static func delay(microseconds: Int64) -> String {
        switch microseconds {
        case ..<1_000: "\(microseconds) us"
        case ..<1_000_000: tenths(microseconds, of: 1_000) + " ms"
        default: tenths(microseconds, of: 1_000_000) + " s"
        }
    }

    /// In the zone of the caller: `2026-11-21 01:14:09`
    static func moment(seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "\(seconds)" }
        let date = "\(Int64(parts.tm_year) + 1900)-\(digits(Int64(parts.tm_mon) + 1, 2))-\(digits(Int64(parts.tm_mday), 2))"
        return "\(date) \(digits(Int64(parts.tm_hour), 2)):\(digits(Int64(parts.tm_min), 2)):\(digits(Int64(parts.tm_sec), 2))"
    }

    private static func tenths(_ number: Int64, of unit: Int64) -> String {
        let tenths = (number / (unit / 100) + 5) / 10
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func digits(_ number: Int64, _ count: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
