public import Configuration
internal import Glibc
public import Kernel
internal import Network
internal import XML
internal import XMPP

/// XEP-0202: the server's time and its offset from UTC.
public final class EntityTime: Module {
    public nonisolated static let name = "mod_time"
    public nonisolated static let implements = [XEP(202, "Entity Time", version: "2.0")]

    private static let namespace = "urn:xmpp:time"

    public init(options: ModuleOptions) {}

    public func install(on host: Host) {
        host.features.advertise(Self.namespace)
        host.iq.on("time", Self.namespace, at: .server) { (request) throws(StanzaError) in
            guard !request.isSet else { throw StanzaError(.notAllowed) }
            let now = Int64(time(nil))
            return Element(
                "time", Self.namespace, [:],
                [
                    Element("tzo", Self.namespace, text: ClockText.offset(seconds: ClockText.localOffset(at: now))),
                    Element("utc", Self.namespace, text: ClockText.utc(now)),
                ])
        }
    }
}

/// Times as XEP-0082 §3 writes them.
enum ClockText {
    /// `2006-12-19T17:58:35Z` for seconds since 1970.
    static func utc(_ seconds: Int64) -> String {
        var (time, parts) = (time_t(seconds), tm())
        gmtime_r(&time, &parts)
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Int($0) }
        return date.map(twoDigits).joined(separator: "-") + "T" + clock.map(twoDigits).joined(separator: ":") + "Z"
    }

    /// `+05:30`; hours and minutes east of Greenwich.
    static func offset(seconds: Int) -> String {
        let minutes = abs(seconds) / 60
        guard minutes > 0 else { return "Z" }
        return (seconds < 0 ? "-" : "+") + twoDigits(minutes / 60) + ":" + twoDigits(minutes % 60)
    }

    /// How far this machine's clock is ahead of UTC at a time, in seconds.
    static func localOffset(at seconds: Int64) -> Int {
        var (time, parts) = (time_t(seconds), tm())
        localtime_r(&time, &parts)
        return parts.tm_gmtoff
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
