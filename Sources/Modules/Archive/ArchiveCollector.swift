internal import Kernel
internal import Network
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// What the archive notes of a message on its way, for both sides if both are users of this server.
@LoopActor
final class ArchiveRecord: StanzaRecord {
    let writer: ArchiveWriter
    private(set) var message: ArchivedMessage
    /// Made when the message was sent, so it is handed in when everything is done with the message.
    let isSenders: Bool
    /// The sender, if its clients are told the id.
    var told: JID?
    /// The recipient wants it kept. Whether there is such an account is known later.
    var isForRecipient = false

    init(_ stanza: Stanza, _ writer: ArchiveWriter, isSenders: Bool, retracts: Bool) {
        self.writer = writer
        self.isSenders = isSenders
        message = ArchivedMessage(
            id: writer.nextID(), stanza: stanza.rendered(), isGroupchat: stanza.isType("groupchat"),
            retraction: retracts ? Self.retraction(stanza) : nil)
    }

    private static func retraction(_ stanza: Stanza) -> ArchivedMessage.Retraction? {
        guard let retraction = MessageRetraction(stanza) else { return nil }
        let stamp = DateTime.text(ArchiveClock.now)
        return ArchivedMessage.Retraction { retraction.tombstone(of: $0, at: stamp) }
    }

    func keepForSender(_ sender: JID, with peer: JID) {
        message.sender = ArchivedMessage.Side(owner: UserKey(sender), peer: UserKey(peer))
    }

    func keepForRecipient(_ recipient: JID, with peer: JID) {
        message.recipient = ArchivedMessage.Side(owner: UserKey(recipient), peer: UserKey(peer))
    }

    func mark(for user: JID) -> Element? {
        guard told == user, message.sender != nil else { return nil }
        return stanzaID(by: user)
    }

    func stanzaID(by user: JID) -> Element? {
        writer.ids.map { StanzaID.element($0.text(message.id), by: user) }
    }
}

/// Collects what the users of a host send and receive.
@LoopActor
final class ArchiveCollector {
    private unowned let host: Host
    private let writer: ArchiveWriter
    private let options: ArchiveOptions
    private let preferences: ArchivePreferenceCache?

    init(_ host: Host, _ writer: ArchiveWriter, _ options: ArchiveOptions, _ preferences: ArchivePreferenceCache?) {
        self.host = host
        self.writer = writer
        self.options = options
        self.preferences = preferences
    }

    func install() {
        host.hooks.outgoing.add(.beforeRouting) { self.note(&$0) }
        host.hooks.outgoing.add(.archive) { outgoing in
            self.handIn(outgoing)
            return .next
        }
        host.hooks.incoming.add(.beforeRouting) { self.note(&$0) }
        // Whether it is kept may have had to be asked for; a handler that waits cannot change the stanza.
        host.hooks.incoming.add(.beforeRouting) { incoming in
            self.mark(&incoming)
            return .next
        }
        host.hooks.incoming.add(.archive) { incoming in
            self.handIn(incoming)
            return .next
        }
    }

    private func isKept(_ stanza: Stanza, _ direction: ArchiveRules.Direction) -> Bool {
        ArchiveRules.isKept(
            stanza.element, direction, groupchat: options.keepsGroupchat, markers: options.keepsMarkers)
    }

    // MARK: Sent

    private func note(_ outgoing: inout Outgoing) -> Decision {
        guard outgoing.stanza.kind == .message, let to = outgoing.stanza.to else { return .next }
        let user = outgoing.session.jid.bare
        outgoing.stanza = StanzaID.withoutForged(outgoing.stanza, by: user)
        // What users send to themselves is kept once, where it is received.
        if to.local == user.local, to.domain == user.domain { return .next }
        guard isKept(outgoing.stanza, .outgoing) else { return .next }
        let record = ArchiveRecord(outgoing.stanza, writer, isSenders: true, retracts: options.retracts)
        if options.tellsIDs { record.told = user }
        outgoing.record = record
        return decide(for: user, on: to) { if $0 { record.keepForSender(user, with: to) } }
    }

    private func handIn(_ outgoing: Outgoing) {
        guard let record = outgoing.record as? ArchiveRecord, record.message.sender != nil || record.message.recipient != nil
        else { return }
        writer.add(record, outgoing.session.promise())
    }

    // MARK: Received

    private func note(_ incoming: inout Incoming) -> Decision {
        guard incoming.stanza.kind == .message, !incoming.isRedelivery, let from = incoming.stanza.from else { return .next }
        let user = incoming.user
        incoming.stanza = StanzaID.withoutForged(incoming.stanza, by: user)
        guard isKept(incoming.stanza, .incoming) else { return .next }
        let record =
            incoming.record as? ArchiveRecord
            ?? ArchiveRecord(incoming.stanza, writer, isSenders: false, retracts: options.retracts)
        incoming.record = record
        return decide(for: user, on: from) { record.isForRecipient = $0 }
    }

    private func mark(_ incoming: inout Incoming) {
        guard let record = incoming.record as? ArchiveRecord, record.isForRecipient else { return }
        incoming.isKept = true
        guard options.tellsIDs, let id = record.writer.ids?.text(record.message.id) else { return }
        incoming.stanza = StanzaID.add(id, by: incoming.user, to: incoming.stanza)
    }

    private func handIn(_ incoming: Incoming) {
        guard let record = incoming.record as? ArchiveRecord, record.isForRecipient, let from = incoming.stanza.from else {
            return
        }
        record.keepForRecipient(incoming.user, with: from)
        if !record.isSenders { writer.add(record, incoming.sender?.promise()) }
    }

    // MARK: Wishes

    /// Tells whether a user wants messages with a peer kept, now or, where storage must be asked, before the next handler.
    private func decide(for user: JID, on peer: JID, _ tell: @escaping @LoopActor (Bool) -> Void) -> Decision {
        if writer.isReadyNow {
            guard let preferences else {
                tell(true)
                return .next
            }
            if let verdict = preferences.known(user.local)?.verdict(on: peer), verdict != .ifInRoster {
                tell(verdict == .keep)
                return .next
            }
        }
        return .wait { [self] in
            guard await writer.isReady() else { return .fail(StanzaError(.internalServerError, .wait)) }
            do throws(StanzaError) {
                tell(try await preferences?.keeps(peer, of: user) ?? true)
                return .next
            } catch {
                return .fail(error)
            }
        }
    }
}
