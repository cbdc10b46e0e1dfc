internal import Kernel
internal import Network
internal import Storage
internal import XML
internal import XMPP

/// Answers queries of archives (XEP-0313 §4, §5).
@LoopActor
final class ArchiveQueryHandler {
    /// Age of a message, in microseconds, up to which other workers may still be writing earlier ones.
    private static let youth: Int64 = 10_000_000
    /// Most messages that are counted for a page, and for a query that asks for their number only; beyond it no number is given.
    private static let countedByTheWay = 1000
    private static let counted = 1_000_000
    /// Results, and bytes of them, that are sent in one turn of the loop; the rest follows in later turns.
    private static let sentAtOnce = 50
    private static let bytesAtOnce = 64 * 1024

    private unowned let host: Host
    private let writer: ArchiveWriter
    private let options: ArchiveOptions

    init(_ host: Host, _ writer: ArchiveWriter, _ options: ArchiveOptions) {
        self.host = host
        self.writer = writer
        self.options = options
    }

    func install(_ declarations: inout Declarations) {
        for namespace in Archive.namespaces {
            declarations.iq.onWaiting("query", namespace, at: .account) { (request) async throws(StanzaError) in
                guard request.isOwn else { throw StanzaError(.forbidden) }
                guard request.isSet else { return ArchiveQuery.form(namespace, isSearchable: self.options.isSearchable) }
                return try await self.answer(request)
            }
        }
        declarations.iq.onWaiting("metadata", Archive.namespace, at: .account) { (request) async throws(StanzaError) in
            guard request.isOwn else { throw StanzaError(.forbidden) }
            guard !request.isSet else { throw StanzaError(.badRequest) }
            return try await self.metadata(UserKey(request.to))
        }
    }

    private func knownIDs() async throws(StanzaError) -> ArchiveIDs {
        guard await writer.isReady(), let ids = writer.ids else { throw StanzaError(.internalServerError, .wait) }
        return ids
    }

    // MARK: Pages

    /// The result of a query: the messages to send, and the content of `<fin/>`.
    private struct Result {
        var page = ArchivePage()
        var isStable = true
        var index: Int?
        var count: Int?
    }

    private func answer(_ request: IQRequest) async throws(StanzaError) -> Element {
        guard let session = request.session else { throw StanzaError(.notAllowed) }
        let query = try ArchiveQuery(request.payload, isSearchable: options.isSearchable)
        let ids = try await knownIDs()
        let owner = UserKey(request.to)
        let result = try await find(query, owner, ids)
        let messages = query.isFlipped ? result.page.messages.reversed() : result.page.messages
        await send(messages, to: session) { ArchiveXML.result($0, ids, query, of: request.to, to: session.jid) }
        let (first, last) = Self.ends(result.page, isBackward: query.page.before != nil)
        return ArchiveXML.fin(
            query.namespace, ids, first: first, last: last, index: result.index,
            count: result.count, isComplete: result.page.isComplete, isStable: result.isStable)
    }

    /// Sends a page. It waits for a client that does not read; at most this page is in memory meanwhile, which
    /// `ArchiveBudget.pageBytes` bounds.
    private func send(
        _ messages: [ArchivePage.Message], to session: Session, _ render: (ArchivePage.Message) -> [UInt8]
    ) async {
        var (sent, size) = (0, 0)
        for message in messages {
            if sent >= Self.sentAtOnce || size >= Self.bytesAtOnce {
                await Loop.nextTurn()
                (sent, size) = (0, 0)
            }
            while session.queuedBytes > Connection.highWater, !session.hasEnded { await Loop.pause(50) }
            guard !session.hasEnded else { return }
            let bytes = render(message)
            session.write(RenderedStanza(.message, bytes))
            sent += 1
            size += bytes.count
        }
    }

    /// The content of `<first/>` and `<last/>`. A page that ended at a limit goes on where it ended.
    private static func ends(_ page: ArchivePage, isBackward: Bool) -> (first: Int64?, last: Int64?) {
        let (first, last) = (page.messages.first?.id, page.messages.last?.id)
        guard !page.isComplete, let end = page.end else { return (first, last) }
        return isBackward ? (end, last ?? end) : (first ?? end, end)
    }

    private func find(_ query: ArchiveQuery, _ owner: UserKey, _ ids: ArchiveIDs) async throws(StanzaError) -> Result {
        let isBackward = query.page.before != nil
        let limit = min(query.page.max ?? options.usualResults, options.mostResults)
        var selection = try await bounded(query.selection, by: query, owner, ids)
        let whole = selection
        if let list = query.ids { return try await named(list, query, owner, ids, limit) }
        if let after = query.page.after { selection.after = max(selection.after, try await existing(after, owner, ids)) }
        if let before = query.page.before, !before.isEmpty {
            selection.before = min(selection.before, try await existing(before, owner, ids))
        }
        if query.page.index > 0 { selection.after = max(selection.after, try await skip(query, owner, selection)) }
        var result = Result()
        let countsNothing = options.countsNothing || query.isSimple
        if limit == 0 {
            if isRecent(selection.before) { result.isStable = await writer.neighbours.settle(asking: host) }
            if query.condition == nil, !countsNothing { result.count = try await count(owner, whole, Self.counted) }
            let next = try await page(owner, selection, query, isBackward, 1)
            result.page.isComplete = next.isComplete && next.messages.isEmpty
            return result
        }
        // The last page has to include what other workers have not written yet; of any other page that is seen once it is read.
        let beginsAtEnd = isBackward && isRecent(selection.before)
        if beginsAtEnd { result.isStable = await writer.neighbours.settle(asking: host) }
        result.page = try await page(owner, selection, query, isBackward, limit)
        if !beginsAtEnd, touchesEnd(selection, result.page) {
            result.isStable = await writer.neighbours.settle(asking: host)
            result.page = try await page(owner, selection, query, isBackward, limit)
        }
        guard !countsNothing else { return result }
        if selection == whole, result.page.isComplete {
            (result.index, result.count) = (0, result.page.messages.count)
        } else if query.condition == nil, whole.peer == nil {
            result.count = try await count(owner, whole, Self.countedByTheWay)
            if let count = result.count, let first = result.page.messages.first {
                let index = selection == whole && !isBackward ? 0 : try await self.count(owner, before: first.id, of: whole)
                // A backwards query gets no index for the last page: some clients take it for the end of the archive.
                if let index, !isBackward || index + result.page.messages.count < count { result.index = index }
            }
        }
        if result.page.messages.isEmpty { result.index = nil }
        return result
    }

    private func page(
        _ owner: UserKey, _ selection: ArchiveSelection, _ query: ArchiveQuery, _ isBackward: Bool, _ limit: Int
    ) async throws(StanzaError) -> ArchivePage {
        try await askStorage(
            try await writer.archive.page(owner, selection, isBackward: isBackward, limit: limit, where: query.condition))
    }

    private func count(_ owner: UserKey, _ selection: ArchiveSelection, _ limit: Int) async throws(StanzaError) -> Int? {
        try await askStorage(try await writer.archive.count(owner, selection, limit: limit))
    }

    /// The last message before the wanted index (XEP-0059 §2.6).
    private func skip(_ query: ArchiveQuery, _ owner: UserKey, _ selection: ArchiveSelection) async throws(StanzaError) -> Int64 {
        guard query.condition == nil else { throw StanzaError(.featureNotImplemented, text: "What is searched for has no number") }
        let first = try await askStorage(try await writer.archive.first(query.page.index, owner, selection))
        if let first, first.count == query.page.index, !isRecent(first.last) { return first.last }
        if first != nil {
            _ = await writer.neighbours.settle(asking: host)
            let second = try await askStorage(try await writer.archive.first(query.page.index, owner, selection))
            if let last = second?.last { return last }
        }
        throw StanzaError(.resourceConstraint, text: "Results this far from the first cost too much to find by their number")
    }

    private func count(_ owner: UserKey, before id: Int64, of whole: ArchiveSelection) async throws(StanzaError) -> Int? {
        var earlier = whole
        earlier.before = id
        return try await count(owner, earlier, Self.countedByTheWay)
    }

    /// Whether the answer includes the newest messages, of which some may not be written yet.
    private func touchesEnd(_ selection: ArchiveSelection, _ page: ArchivePage) -> Bool {
        isRecent(selection.before) && (page.isComplete || isRecent(page.end ?? .max))
    }

    private func isRecent(_ id: Int64) -> Bool { id > (ArchiveClock.now - Self.youth) << ArchiveRepository.idShift }

    // MARK: Ids

    /// The selection between the messages that the form names (XEP-0313 §4.1.3).
    private func bounded(
        _ selection: ArchiveSelection, by query: ArchiveQuery, _ owner: UserKey, _ ids: ArchiveIDs
    ) async throws(StanzaError) -> ArchiveSelection {
        var selection = selection
        if let after = query.afterID { selection.after = max(selection.after, try await existing(after, owner, ids)) }
        if let before = query.beforeID { selection.before = min(selection.before, try await existing(before, owner, ids)) }
        if let from = query.fromID { selection.after = max(selection.after, try await existing(from, owner, ids) - 1) }
        if let to = query.toID { selection.before = min(selection.before, try await existing(to, owner, ids) + 1) }
        return selection
    }

    /// The named messages, a page at a time; all of them must be in the archive (XEP-0313 §4.1.3).
    private func named(
        _ list: [String], _ query: ArchiveQuery, _ owner: UserKey, _ ids: ArchiveIDs, _ limit: Int
    ) async throws(StanzaError) -> Result {
        var numbers: Set<Int64> = []
        for text in list { numbers.insert(try number(text, ids)) }
        var wanted = try await existing(owner, numbers)
        guard wanted.count == numbers.count else { throw StanzaError(.itemNotFound) }
        var result = Result()
        if let after = query.page.after {
            let number = try number(after, ids)
            wanted.removeAll { $0 <= number }
        }
        if let before = query.page.before, !before.isEmpty {
            let number = try number(before, ids)
            wanted.removeAll { $0 >= number }
        }
        let page = query.page.before == nil ? Array(wanted.prefix(limit)) : Array(wanted.reversed().prefix(limit))
        result.page.messages = try await askStorage(
            try await writer.archive.messages(owner, ids: page, bytes: ArchiveBudget().pageBytes))
        result.page.isComplete = result.page.messages.count == wanted.count
        result.count = options.countsNothing || query.isSimple ? nil : numbers.count
        return result
    }

    /// The number of a message that must be in the archive (XEP-0313 §4.3.2).
    private func existing(_ text: String, _ owner: UserKey, _ ids: ArchiveIDs) async throws(StanzaError) -> Int64 {
        let number = try number(text, ids)
        guard try await !existing(owner, [number]).isEmpty else { throw StanzaError(.itemNotFound) }
        return number
    }

    private func number(_ text: String, _ ids: ArchiveIDs) throws(StanzaError) -> Int64 {
        guard let number = ids.id(text) else { throw StanzaError(.itemNotFound) }
        return number
    }

    /// The named messages in the archive, with a second read for one that may just be being written.
    private func existing(_ owner: UserKey, _ numbers: Set<Int64>) async throws(StanzaError) -> [Int64] {
        let found = try await askStorage(try await writer.archive.existing(owner, ids: numbers))
        guard found.count < numbers.count, numbers.contains(where: isRecent) else { return found }
        _ = await writer.neighbours.settle(asking: host)
        return try await askStorage(try await writer.archive.existing(owner, ids: numbers))
    }

    // MARK: Metadata

    private func metadata(_ owner: UserKey) async throws(StanzaError) -> Element {
        let ids = try await knownIDs()
        _ = await writer.neighbours.settle(asking: host)
        return ArchiveXML.metadata(ids, try await askStorage(try await writer.archive.bounds(owner)))
    }
}

/// Renders the answers.
enum ArchiveXML {
    /// One result (XEP-0313 §4.2): the archived stanza is XML already and is only wrapped.
    static func result(
        _ message: ArchivePage.Message, _ ids: ArchiveIDs, _ query: ArchiveQuery, of user: JID, to client: JID
    ) -> [UInt8] {
        let tag = Array("<message".utf8)
        let id = ids.text(message.id)
        var writer = ElementWriter(reserving: message.stanza.count + 512)
        writer.raw("<message from='")
        writer.escaped(user.bareText)
        writer.raw("' to='")
        writer.escaped(client.description)
        writer.raw("'><result xmlns='")
        writer.escaped(query.namespace)
        writer.raw("'")
        if let queryID = query.queryID {
            writer.raw(" queryid='")
            writer.escaped(queryID)
            writer.raw("'")
        }
        writer.raw(" id='")
        writer.escaped(id)
        writer.raw("'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='")
        writer.escaped(stamp(message.id))
        writer.raw("'/><message xmlns='jabber:client'")
        writer.raw(Array(message.stanza.dropFirst(tag.count)))
        writer.raw("</forwarded></result></message>")
        return writer.finish()
    }

    static func fin(
        _ namespace: String, _ ids: ArchiveIDs, first: Int64?, last: Int64?, index: Int?, count: Int?, isComplete: Bool,
        isStable: Bool
    ) -> Element {
        Element(
            "fin", namespace, ["complete": isComplete ? "true" : nil, "stable": isStable ? nil : "false"],
            [ResultSet.answer(first: first.map { ids.text($0) }, last: last.map { ids.text($0) }, index: index, count: count)])
    }

    static func metadata(_ ids: ArchiveIDs, _ bounds: (first: Int64, last: Int64)?) -> Element {
        func end(_ name: String, _ id: Int64) -> Element {
            Element(name, Archive.namespace, ["id": ids.text(id), "timestamp": stamp(id)])
        }
        return Element(
            "metadata", Archive.namespace, [:], bounds.map { [end("start", $0.first), end("end", $0.last)] } ?? [])
    }

    private static func stamp(_ id: Int64) -> String { DateTime.text(id >> ArchiveRepository.idShift) }
}
