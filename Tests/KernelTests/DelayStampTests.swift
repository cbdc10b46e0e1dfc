import Testing

@testable import Kernel

@Suite("The stamp at the end of a message (XEP-0203)", .timeLimit(.minutes(1)))
struct DelayStampTests {
    private let stamp = DelayStamp(of: "example.org")

    private func added(_ message: String) -> String {
        String(decoding: stamp.added(to: Array(message.utf8), 1_700_000_000_000_000), as: UTF8.self)
    }

    private static let element = "<delay xmlns='urn:xmpp:delay' from='example.org' stamp='2023-11-14T22:13:20Z'/>"

    @Test("a message gets one, once, behind everything else")
    func once() {
        let message = "<message to='a@b'><body>&lt;/message></body></message>"
        let stamped = added(message)
        #expect(stamped.hasPrefix(message.dropLast(10) + "<delay xmlns='urn:xmpp:delay' from='example.org' stamp='2023-"))
        #expect(stamped.hasSuffix("'/></message>"))
        #expect(added(stamped) == stamped)
        #expect(stamp.place(in: Array(stamped.utf8)) == message.utf8.count - "</message>".utf8.count)
        #expect(stamp.place(in: Array(message.utf8)) == nil)
    }

    @Test("that of a message that was stored is one; that of somebody else, or inside the message, is none")
    func others() {
        let stored = "<message><body>x</body>\(Self.element.dropLast(2))>Offline storage</delay></message>"
        #expect(added(stored) == stored)
        for other in [
            "<message>\(Self.element)<body>x</body></message>", "<message><x xmlns='y'>\(Self.element)</x></message>",
            "<message>\(Self.element.replacing("example.org", with: "example.net"))</message>",
        ] { #expect(added(other) != other, "\(other)") }
        for other in ["<message/>", "", "</message>"] { #expect(added(other) == other, "it has no content: \(other)") }
    }
}
