internal import IPC
internal import Kernel
internal import Network
internal import SharedState
internal import XMPP

/// Sends contacts the unavailable presence of a user's resources before the stanza that ends the subscription
/// (RFC 6121 §3.2.2, §2.5.2).
///
/// Each session's own worker sends its unavailable presence, so that it stays behind the available one before it. What the
/// caller sends next may take another way to the contact's worker; so each worker of a session has each worker of a contact
/// confirm to the caller's that the presence has arrived there. If the user has sessions on the caller's worker only, there is
/// nothing to wait for.
@LoopActor
final class PresenceWithdrawal {
    /// Milliseconds that confirmations may take. Past them the caller goes on, and the order is not certain.
    private static let patienceMilliseconds: Int64 = 2000
    /// Asks the workers of a user's sessions to send; the payload is a `Request`.
    private static let requestTopic = "presence.withdraw"
    /// Follows the presence to a contact's worker; the payload is a `Mark`.
    private static let markTopic = "presence.withdraw.mark"
    /// Brings a mark to the worker that waits for it.
    private static let arrivalTopic = "presence.withdraw.arrival"

    private unowned let host: Host
    private var waiting: [UInt64: Waiting] = [:]
    private var lastNumber: UInt64 = 0

    @LoopActor
    private final class Waiting {
        var missing: Set<Mark>
        let allArrived = Loop.Signal()

        init(_ missing: Set<Mark>) { self.missing = missing }
    }

    init(host: Host) { self.host = host }

    /// Sends unavailable presence from all sessions of `user` to those of `contacts` that see it, and comes back when it has
    /// arrived with their sessions.
    func tell(_ contacts: [JID], of user: JID) async {
        guard !contacts.isEmpty else { return }
        let server = host.server
        let senders = Set(server.sessions(of: user).lazy.filter { $0.flags.contains(.available) }.map(\.slot))
            .subtracting([server.slot])
        var number: UInt64 = 0
        if !senders.isEmpty {
            let receivers = Set(contacts.lazy.flatMap { server.sessions(of: $0) }.map(\.slot))
            lastNumber += 1
            number = lastNumber
            let marks = senders.flatMap { sender in
                receivers.map { Mark(number: number, asker: server.slot, sender: sender, receiver: $0) }
            }
            if !marks.isEmpty { waiting[number] = Waiting(Set(marks)) }
            let request = Request(number: number, asker: server.slot, receivers: receivers, contacts: contacts)
            host.notify(user, Self.requestTopic, request.encoded())
        }
        await send(Self.withdraw(contacts, host.localSessions(of: user)))
        await confirmations(number)
    }

    private func confirmations(_ number: UInt64) async {
        guard let waiting = waiting[number] else { return }
        if !waiting.missing.isEmpty { _ = await waiting.allArrived.wait(within: Self.patienceMilliseconds) }
        self.waiting[number] = nil
    }

    /// The stanzas to send. From here on the sessions send these contacts no presence.
    private static func withdraw(_ contacts: [JID], _ sessions: [Session]) -> [Stanza] {
        sessions.flatMap { session -> [Stanza] in
            guard let state = session[PresenceState.key] else { return [] }
            return contacts.filter { state.hide(from: $0.bareText) && session.isAvailable }.map {
                Stanza(.presence, type: "unavailable", from: session.jid, to: $0)
            }
        }
    }

    private func send(_ stanzas: [Stanza]) async {
        for stanza in stanzas { await host.router.routeAndWait(stanza) }
    }

    // MARK: Other workers

    func install(_ declarations: inout Declarations) {
        declarations.onEvent(Self.requestTopic) { _, payload, sessions in
            guard let request = Request(decoding: payload), request.asker != self.host.server.slot else { return }
            let stanzas = Self.withdraw(request.contacts, sessions)
            Loop.spawn {
                await self.send(stanzas)
                self.mark(request)
            }
        }
        declarations.onBroadcast(Self.markTopic) { payload in
            if let mark = Mark(decoding: payload) { self.confirm(mark) }
        }
        declarations.onBroadcast(Self.arrivalTopic) { payload in
            if let mark = Mark(decoding: payload) { self.arrived(mark) }
        }
    }

    private func mark(_ request: Request) {
        let own = host.server.slot
        for receiver in request.receivers {
            let mark = Mark(number: request.number, asker: request.asker, sender: own, receiver: receiver)
            if receiver == own { confirm(mark) } else { host.tell(receiver, Self.markTopic, mark.encoded()) }
        }
    }

    /// A mark has come: all stanzas that were sent before it have, too.
    private func confirm(_ mark: Mark) {
        if mark.asker == host.server.slot { arrived(mark) } else { host.tell(mark.asker, Self.arrivalTopic, mark.encoded()) }
    }

    private func arrived(_ mark: Mark) {
        guard let waiting = waiting[mark.number], waiting.missing.remove(mark) != nil, waiting.missing.isEmpty else { return }
        waiting.allArrived.fire()
    }
}

/// The payloads of the events between workers.
extension PresenceWithdrawal {
    fileprivate struct Request {
        let number: UInt64
        let asker: UInt8
        let receivers: Set<UInt8>
        let contacts: [JID]

        func encoded() -> [UInt8] {
            var writer = ByteWriter()
            writer.uint64(number)
            writer.uint8(asker)
            writer.count(receivers.count)
            for receiver in receivers { writer.uint8(receiver) }
            writer.count(contacts.count)
            for contact in contacts { writer.string(contact.description) }
            return writer.bytes
        }

        init(number: UInt64, asker: UInt8, receivers: Set<UInt8>, contacts: [JID]) {
            (self.number, self.asker, self.receivers, self.contacts) = (number, asker, receivers, contacts)
        }

        /// Nil for bytes that no worker of this version has written.
        init?(decoding bytes: [UInt8]) {
            do throws(WireError) {
                var reader = ByteReader(bytes)
                number = try reader.uint64()
                asker = try reader.uint8()
                var receivers: Set<UInt8> = []
                for _ in 0..<(try reader.count(ofSize: 1)) { receivers.insert(try reader.uint8()) }
                var contacts: [JID] = []
                for _ in 0..<(try reader.count(ofSize: 4)) { contacts.append(.prepared(try reader.string())) }
                (self.receivers, self.contacts) = (receivers, contacts)
            } catch { return nil }
        }
    }

    /// A mark that follows the stanzas of a sender's worker to a receiver's.
    fileprivate struct Mark: Hashable {
        let number: UInt64
        let asker: UInt8
        let sender: UInt8
        let receiver: UInt8

        func encoded() -> [UInt8] {
            var writer = ByteWriter()
            writer.uint64(number)
            for slot in [asker, sender, receiver] { writer.uint8(slot) }
            return writer.bytes
        }

        init(number: UInt64, asker: UInt8, sender: UInt8, receiver: UInt8) {
            (self.number, self.asker, self.sender, self.receiver) = (number, asker, sender, receiver)
        }

        init?(decoding bytes: [UInt8]) {
            do throws(WireError) {
                var reader = ByteReader(bytes)
                number = try reader.uint64()
                (asker, sender, receiver) = (try reader.uint8(), try reader.uint8(), try reader.uint8())
            } catch { return nil }
        }
    }
}
