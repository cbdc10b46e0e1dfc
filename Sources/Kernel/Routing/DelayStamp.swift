internal import XML
internal import XMPP

/// The stamp that a host puts at the end of a message that it hands on later (XEP-0203), as bytes: a message of whatever size need
/// not be read to see whether it has one, or to be given one.
struct DelayStamp {
    /// What stands behind the time of a stamp.
    private static let ends = ["'/></message>", "'>Offline storage</delay></message>"].map { Array($0.utf8) }
    private static let messageEnd = Array("</message>".utf8)
    /// Bytes that a time has at most.
    private static let longestTime = 40

    private let domain: String
    private let start: [UInt8]

    init(of domain: String) {
        self.domain = domain
        var writer = ElementWriter()
        writer.raw("<delay xmlns='urn:xmpp:delay' from='")
        writer.escaped(domain)
        writer.raw("' stamp='")
        start = writer.finish()
    }

    /// The element for a time in microseconds since 1970.
    func element(_ time: Int64) -> Element {
        Element("delay", Namespace.delay, ["from": domain, "stamp": DateTime.text(time)])
    }

    /// Where the stamp begins that a message ends with; nil: it has none.
    func place(in message: [UInt8]) -> Int? {
        for end in Self.ends where message.count > end.count + start.count && message.suffix(end.count).elementsEqual(end) {
            let timeEnd = message.count - end.count
            var place = timeEnd - start.count - 1
            while place >= 0, place >= timeEnd - start.count - Self.longestTime {
                if message[place] == UInt8(ascii: "<"), message[place...].starts(with: start) { return place }
                place -= 1
            }
        }
        return nil
    }

    /// The message with a stamp, unless it has one, or no content to put it behind.
    func added(to message: [UInt8], _ time: @autoclosure () -> Int64) -> [UInt8] {
        let end = Self.messageEnd
        guard message.count > end.count, message.suffix(end.count).elementsEqual(end), place(in: message) == nil else {
            return message
        }
        var stamped: [UInt8] = []
        stamped.reserveCapacity(message.count + start.count + Self.longestTime)
        stamped += message.dropLast(end.count)
        stamped += start
        stamped += DateTime.text(time()).utf8
        stamped += Self.ends[0]
        return stamped
    }
}
