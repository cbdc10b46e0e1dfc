internal import Kernel
internal import Network
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// Subscription requests that wait for their user's answer (RFC 6121 §3.1.3): they are stored shortened and shown at login.
///
/// Their senders need no relation to the user. So each is small, at most `RosterRepository.mostRequests` of them wait, and
/// the sender of one more gets `resource-constraint`.
enum WaitingRequests {
    /// Most bytes of a request that is stored as it came. Of a larger one only its addresses, id, status and nick are stored.
    private static let longestWhole = 4096
    /// Most bytes of the status and of the nick (XEP-0172) of a larger request, before escaping; the rest is cut off.
    private static let (longestStatus, longestNick) = (512, 256)
    /// Most bytes of the id of a larger request; a longer id is left out.
    private static let longestID = 256
    private static let nick = "http://jabber.org/protocol/nick"
    /// Requests that are read and sent at a time.
    private static let pageLength = 50

    /// The stored form of a request.
    /// - Parameter rendered: the stanza as it is delivered.
    static func kept(_ request: Stanza, _ rendered: [UInt8]) -> [UInt8] {
        guard rendered.count > longestWhole else { return rendered }
        var children: [Element] = []
        if let status = request.element.child("status") {
            children.append(Element("status", Namespace.client, text: prefix(of: status.text, bytes: longestStatus)))
        }
        if let name = request.element.child("nick", nick) {
            children.append(Element("nick", nick, text: prefix(of: name.text, bytes: longestNick)))
        }
        let id = request.id.flatMap { $0.utf8.count <= longestID ? $0 : nil }
        return Stanza(.presence, type: "subscribe", id: id, from: request.from, to: request.to, children).rendered()
    }

    /// The first characters of a text that have this many bytes at most.
    static func prefix(of text: String, bytes: Int) -> String {
        var (prefix, left) = (String.UnicodeScalarView(), bytes)
        for scalar in text.unicodeScalars {
            left -= UTF8.width(scalar)
            guard left >= 0 else { break }
            prefix.append(scalar)
        }
        return String(prefix)
    }

    /// Sends the waiting requests to a session that has become available, no faster than its client reads.
    @LoopActor static func show(to session: Session, _ inbox: InboxRelease) async {
        let user = UserKey(session.jid)
        var last = ""
        do throws(StorageError) {
            while session.isReachable {
                let page = try await session.host.server.store.rosters.requests(
                    user, after: last, limit: pageLength, bytes: Session.storedPortion)
                guard let end = page.last, session.isReachable else { return }
                last = end.contact
                for request in page { session.deliver(.presence, request.stanza) }
                guard await session.roomForStored({ inbox.release() }) else { return }
            }
        } catch {
            Log.error("cannot read the requests that wait for a user", [Field("session", session.jid), Field("error", error)])
        }
    }
}
