internal import Kernel
internal import Network
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// The archive's record of a message on its way, for both sides if both are users of this server.
@LoopActor
final class ArchiveRecord: StanzaRecord {
    private let writer: ArchiveWriter
    private let id: Int64
    /// The message, until it is handed in.
    private var message: ArchivedMessage?
    /// Whether it was made when the message was sent: it is then handed in once routing has ended.
    let isSenders: Bool
    /// The sender, if its clients get the id.
    var told: JID?
    /// The hooks of the host that decided to archive the message.
    let judge: ArchiveHooks
    /// The recipient's archive keeps it. Whether there is such an account is known later.
    var isForRecipient = false

    init(
        _ stanza: inout Stanza, from sender: JID, to recipient: JID, _ writer: ArchiveWriter, judge: ArchiveHooks,
        isSenders: Bool, retracts: Bool
    ) {
        self.writer = writer
        self.judge = judge
        self.isSenders = isSenders
        id = writer.nextID()
        message = ArchivedMessage(
            id: id, stanza: stanza.renderedForLater(), isGroupchat: stanza.isType("groupchat"),
            from: UserKey(sender), to: UserKey(recipient), isSenders: false, isRecipients: false,
            retraction: retracts ? Self.retraction(stanza, writer.ids) : nil)
    }

    private static func retraction(_ stanza: Stanza, _ ids: ArchiveIDs?) -> ArchivedMessage.Retraction? {
        guard let retraction = MessageRetraction(stanza) else { return nil }
        let stamp = DateTime.text(ArchiveClock.now)
        return ArchivedMessage.Retraction { retraction.tombstone(of: $0, ids?.text($1), at: stamp) }
    }

    /// The id as clients see it.
    var idText: String? { writer.ids?.text(id) }

    func keepForSender() { message?.isSenders = true }

    func keepForRecipient() { message?.isRecipients = true }

    /// The message, once, if it belongs to an archive.
    func handIn() -> ArchivedMessage? {
        var message: ArchivedMessage?
        swap(&message, &self.message)
        return message?.isSenders == true || message?.isRecipients == true ? message : nil
    }

    func mark(for user: JID) -> Element? {
        guard told == user, message?.isSenders == true else { return nil }
        return idText.map { StanzaID.element($0, by: user) }
    }
}

/// Collects what the users of a host send and receive.
@LoopActor
final class ArchiveHooks {
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

    func install(_ declarations: inout Declarations) {
        declarations.hooks.outgoing.add(.beforeRouting) { self.note(&$0) }
        declarations.hooks.outgoing.add(.archive) { outgoing in
            self.handIn(outgoing)
            return .next
        }
        declarations.hooks.incoming.add(.beforeRouting) { self.note(&$0) }
        declarations.hooks.incoming.add(.archive) { incoming in
            self.handIn(incoming)
            return .next
        }
    }

    private func judge(_ stanza: Stanza, _ direction: ArchiveRules.Direction) -> ArchiveRules.Judgement {
        ArchiveRules.judge(
            stanza.element, direction, groupchat: options.keepsGroupchat, markers: options.keepsMarkers)
    }

    // MARK: Sent

    private func note(_ outgoing: inout Outgoing) -> Decision<Outgoing> {
        guard outgoing.stanza.kind == .message, let to = outgoing.stanza.to else { return .next }
        let user = outgoing.session.jid.bare
        if StanzaID.hasAny(outgoing.stanza) { outgoing.stanza = StanzaID.withoutForged(outgoing.stanza, by: user) }
        // A message to the sender itself is archived once, where it is received.
        if to.local == user.local, to.domain == user.domain { return .next }
        let judgement = judge(outgoing.stanza, .outgoing)
        guard judgement != .leave else { return .next }
        let record = ArchiveRecord(
            &outgoing.stanza, from: user, to: to, writer, judge: self, isSenders: true,
            retracts: options.retracts && judgement == .retract)
        if options.tellsIDs { record.told = user }
        outgoing.record = record
        if let isWanted = isWanted(by: user, on: to) {
            if isWanted { record.keepForSender() }
            return .next
        }
        return ask(user, on: to) { isWanted, _ in if isWanted { record.keepForSender() } }
    }

    private func handIn(_ outgoing: Outgoing) {
        guard let record = outgoing.record as? ArchiveRecord, let message = record.handIn() else { return }
        writer.add(message, outgoing.session.deferAck())
    }

    // MARK: Received

    private func note(_ incoming: inout Incoming) -> Decision<Incoming> {
        guard incoming.stanza.kind == .message, !incoming.isRedelivery, let from = incoming.stanza.from else { return .next }
        let user = incoming.user
        if StanzaID.hasAny(incoming.stanza) { incoming.stanza = StanzaID.withoutForged(incoming.stanza, by: user) }
        let record: ArchiveRecord
        // The decision for the sender on this host also holds for the recipient.
        if let noted = incoming.record as? ArchiveRecord, noted.judge === self {
            record = noted
        } else {
            let judgement = judge(incoming.stanza, .incoming)
            guard judgement != .leave else { return .next }
            record =
                incoming.record as? ArchiveRecord
                ?? ArchiveRecord(
                    &incoming.stanza, from: from, to: user, writer, judge: self, isSenders: false,
                    retracts: options.retracts && judgement == .retract)
            incoming.record = record
        }
        if let isWanted = isWanted(by: user, on: from) {
            record.isForRecipient = isWanted
            mark(&incoming)
            return .next
        }
        return ask(user, on: from) { isWanted, incoming in
            record.isForRecipient = isWanted
            self.mark(&incoming)
        }
    }

    private func mark(_ incoming: inout Incoming) {
        guard let record = incoming.record as? ArchiveRecord, record.isForRecipient else { return }
        incoming.isKept = true
        guard options.tellsIDs, let id = record.idText else { return }
        StanzaID.add(id, by: incoming.user, to: &incoming.stanza)
    }

    private func handIn(_ incoming: Incoming) {
        guard let record = incoming.record as? ArchiveRecord, record.isForRecipient else { return }
        record.keepForRecipient()
        if !record.isSenders, let message = record.handIn() { writer.add(message, incoming.source?.deferAck()) }
    }

    // MARK: Wishes

    /// Whether a user wants messages with a peer kept; nil where storage must be asked.
    private func isWanted(by user: JID, on peer: JID) -> Bool? {
        guard writer.isReadyNow else { return nil }
        guard let preferences else { return true }
        guard let verdict = preferences.known(user.local)?.verdict(on: peer), verdict != .ifInRoster else { return nil }
        return verdict == .keep
    }

    /// Reads the preferences from storage, and decides before the next handler.
    private func ask<Payload>(
        _ user: JID, on peer: JID, _ tell: @escaping @LoopActor (Bool, inout Payload) -> Void
    ) -> Decision<Payload> {
        .waitToChange { [self] in
            guard await writer.isReady() else { return { _ in .fail(StanzaError(.internalServerError, .wait)) } }
            do throws(StanzaError) {
                let isWanted = try await preferences?.keeps(peer, of: user) ?? true
                return { payload in
                    tell(isWanted, &payload)
                    return .next
                }
            } catch {
                return { _ in .fail(error) }
            }
        }
    }
}
