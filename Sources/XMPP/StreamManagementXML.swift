public import XML

/// The words of stream management (XEP-0198): elements beside the stanzas, by which both sides count those.
public enum StreamManagementXML {
    public static let namespace = "urn:xmpp:sm:3"

    /// Why something is refused (XEP-0198 §3, §5), as the stanza error condition that says it.
    public enum Refusal: String, Sendable {
        case unexpectedRequest = "unexpected-request"
        case itemNotFound = "item-not-found"
        case serviceUnavailable = "service-unavailable"
        case internalServerError = "internal-server-error"
    }

    public static var feature: Element { Element("sm", namespace) }

    /// - Parameters:
    ///   - id: names the session when it is to be resumed; nil: it cannot be.
    ///   - seconds: how long it can be, after its connection has gone.
    public static func enabled(id: String?, seconds: Int64?) -> Element {
        Element(
            "enabled", namespace, ["id": id, "resume": id.map { _ in "true" }, "max": id == nil ? nil : seconds.map(String.init)])
    }

    public static func resumed(previous: String, handled: UInt32) -> Element {
        Element("resumed", namespace, ["h": String(handled), "previd": previous])
    }

    /// - Parameter handled: how many stanzas of a session that is gone had been handled, where that is still known.
    public static func failed(_ refusal: Refusal, handled: UInt32? = nil) -> Element {
        Element("failed", namespace, ["h": handled.map { String($0) }], [Element(refusal.rawValue, Namespace.stanzas)])
    }

    /// The stream error for an acknowledgement of more than was sent (XEP-0198 §4).
    public static func tooHigh(_ handled: UInt32, sent: UInt32) -> StreamError {
        StreamError(
            .undefinedCondition, text: "\(handled) stanzas were acknowledged, \(sent) were sent",
            detail: Element("handled-count-too-high", namespace, ["h": String(handled), "send-count": String(sent)]))
    }

    /// A request for an acknowledgement, as bytes.
    public static let request = Array("<r xmlns='\(namespace)'/>".utf8)

    /// An acknowledgement, as bytes.
    public static func answer(_ handled: UInt32) -> [UInt8] { Array("<a xmlns='\(namespace)' h='\(handled)'/>".utf8) }

    /// The number of stanzas that an element says to have handled.
    public static func handled(_ element: Element) -> UInt32? { element["h"].flatMap { UInt32($0) } }
}

/// A request or an acknowledgement, read from its bytes where they are written as nearly everybody writes them.
public enum StreamManagementNonza: Equatable, Sendable {
    case request
    case answer(UInt32)

    /// Nil: it is something else, or written in another way, and is read as XML.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        // <r xmlns='urn:xmpp:sm:3'/> is 26 bytes, <a xmlns='urn:xmpp:sm:3' h='4294967295'/> 41.
        guard bytes.count >= 26, bytes.count <= 42, bytes[0] == UInt8(ascii: "<"), bytes[2] == UInt8(ascii: " ") else { return nil }
        switch bytes[1] {
        case UInt8(ascii: "r"):
            guard Self.attribute("xmlns", Self.namespace, in: bytes, at: 3) == 24, Self.ends(bytes, at: 24) else { return nil }
            self = .request
        case UInt8(ascii: "a"):
            if Self.attribute("xmlns", Self.namespace, in: bytes, at: 3) == 24, bytes[24] == UInt8(ascii: " "),
                let (value, end) = Self.number(in: bytes, at: 25), Self.ends(bytes, at: end)
            {
                self = .answer(value)
            } else if let (value, end) = Self.number(in: bytes, at: 3), bytes[end] == UInt8(ascii: " "),
                let last = Self.attribute("xmlns", Self.namespace, in: bytes, at: end + 1), Self.ends(bytes, at: last)
            {
                self = .answer(value)
            } else {
                return nil
            }
        default: return nil
        }
    }

    private static let namespace: StaticString = "urn:xmpp:sm:3"

    /// Where `name='value'` ends that begins there, in either kind of quotes.
    private static func attribute(
        _ name: StaticString, _ value: StaticString, in bytes: UnsafeRawBufferPointer, at start: Int
    ) -> Int? {
        let length = name.utf8CodeUnitCount + value.utf8CodeUnitCount + 3
        guard start + length < bytes.count, matches(name, bytes, start) else { return nil }
        let quote = start + name.utf8CodeUnitCount + 1
        guard bytes[quote - 1] == UInt8(ascii: "="), bytes[quote] == UInt8(ascii: "'") || bytes[quote] == UInt8(ascii: "\""),
            matches(value, bytes, quote + 1), bytes[start + length - 1] == bytes[quote]
        else { return nil }
        return start + length
    }

    private static func matches(_ text: StaticString, _ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        UnsafeRawBufferPointer(rebasing: bytes[start..<start + text.utf8CodeUnitCount])
            .elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// The value of `h='number'` that begins there, and where it ends; there is a byte behind it.
    private static func number(in bytes: UnsafeRawBufferPointer, at start: Int) -> (UInt32, Int)? {
        guard start + 4 < bytes.count, bytes[start] == UInt8(ascii: "h"), bytes[start + 1] == UInt8(ascii: "=") else { return nil }
        let quote = bytes[start + 2]
        guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
        var value: UInt64 = 0
        var at = start + 3
        while at < bytes.count, bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9"), value <= UInt64(UInt32.max) {
            value = value * 10 + UInt64(bytes[at] - UInt8(ascii: "0"))
            at += 1
        }
        guard at > start + 3, at + 1 < bytes.count, bytes[at] == quote, let number = UInt32(exactly: value) else { return nil }
        return (number, at + 1)
    }

    private static func ends(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Bool {
        place + 2 == bytes.count && bytes[place] == UInt8(ascii: "/") && bytes[place + 1] == UInt8(ascii: ">")
    }
}
