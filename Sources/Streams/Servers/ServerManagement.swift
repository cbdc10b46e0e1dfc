internal import XML
internal import XMPP

/// Stream management between servers (XEP-0198): what was delivered is counted, nothing is resumed.
struct ServerManagement: Sendable {
    enum Outcome: Sendable {
        case acknowledge(UInt32)
        case acknowledged(UInt32)
        /// Not the time for it, or not an element of the extension.
        case unexpected
        /// An acknowledgement that says nothing.
        case senseless
    }

    private(set) var isEnabled = false
    /// Stanzas delivered since then; it wraps as the XEP's counts do.
    private(set) var delivered: UInt32 = 0

    mutating func enable() { isEnabled = true }

    mutating func count() {
        if isEnabled { delivered &+= 1 }
    }

    /// What a request or an acknowledgement leads to.
    func outcome(_ element: Element) -> Outcome {
        guard isEnabled else { return .unexpected }
        if element.isNamed("r") { return .acknowledge(delivered) }
        guard element.isNamed("a") else { return .unexpected }
        return StreamManagementXML.handled(element).map { .acknowledged($0) } ?? .senseless
    }
}
