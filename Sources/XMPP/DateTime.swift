/// Points of time in the form of XEP-0082 §3.2, as microseconds since 1970.
public enum DateTime {
    /// `2006-12-19T17:58:35.000001Z`; the fraction is left out where it is nothing.
    public static func text(_ microseconds: Int64) -> String {
        let fraction = Int(microseconds - microseconds.dividedDown(by: 1_000_000) * 1_000_000)
        let whole = ClockText.utc(microseconds.dividedDown(by: 1_000_000))
        guard fraction > 0 else { return whole }
        let digits = String(fraction)
        return whole.dropLast() + "." + String(repeating: "0", count: 6 - digits.count) + digits + "Z"
    }

    /// Nil for what is not of that form, and for days and times that no calendar or clock has. Digits beyond
    /// microseconds count for nothing. Leap seconds and the hour 24 are none (XML Schema, part 2, §3.2.7).
    public static func microseconds(_ text: String) -> Int64? {
        var reader = Reader(Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T"), let hour = reader.number(2), reader.take(":"),
            let minute = reader.number(2), reader.take(":"), let second = reader.number(2)
        else { return nil }
        guard (1...12).contains(month), year > 0, (1...length(ofMonth: month, year)).contains(day), hour < 24,
            minute < 60, second < 60,
            let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1_000_000 + fraction
    }

    /// Days of a month of the Gregorian calendar.
    private static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days from 1970 to a day of the Gregorian calendar, counted from March on, so that the leap day is a year's last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month > 2 ? year : year - 1
        let era = year.dividedDown(by: 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private struct Reader {
        private let bytes: [UInt8]
        private var at = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { at == bytes.count }
        private var digit: Int64? { at < bytes.count && (48...57).contains(bytes[at]) ? Int64(bytes[at] - 48) : nil }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
            at += 1
            return true
        }

        mutating func number(_ digits: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<digits {
                guard let digit else { return nil }
                value = value * 10 + digit
                at += 1
            }
            return value
        }

        mutating func fraction() -> Int64? {
            guard take(".") else { return 0 }
            guard digit != nil else { return nil }
            var (value, unit): (Int64, Int64) = (0, 100_000)
            while let digit {
                value += digit * unit
                unit /= 10
                at += 1
            }
            return value
        }

        /// Seconds that the clock is ahead of UTC: 14 hours at most (XML Schema, part 2, §3.2.7.3).
        mutating func offset() -> Int64? {
            if take("Z") { return 0 }
            let isAhead = take("+")
            guard isAhead || take("-"), let hours = number(2), take(":"), let minutes = number(2), minutes < 60,
                hours * 60 + minutes <= 14 * 60
            else { return nil }
            return (isAhead ? 1 : -1) * (hours * 3600 + minutes * 60)
        }
    }
}

extension Int64 {
    /// The quotient, rounded down, also of what is below nothing.
    fileprivate func dividedDown(by divisor: Int64) -> Int64 { (self - (self % divisor + divisor) % divisor) / divisor }
}
