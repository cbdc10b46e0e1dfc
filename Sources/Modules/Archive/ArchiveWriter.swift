internal import Kernel
internal import Network
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// Writes the messages of a worker's hosts to the archive: messages of all sessions that come during a transaction make up
/// the next one. The commit fulfills the acknowledgements that wait for it.
@LoopActor
final class ArchiveWriter {
    private static let key = ServerKey<ArchiveWriter>()

    /// Minimum milliseconds between the beginnings of two transactions; the loop's timers have a grain of 50 ms, so that smaller
    /// values act as 50. A single message is written at once; of many, this decides how many share a commit.
    private static let gathering: Int64 = 50
    private static let mostAtOnce = 2000
    /// Bytes of stanzas after which a transaction takes no more, since other writers of the database wait for it; the rest
    /// goes into the next.
    private static let mostBytesAtOnce = 2 << 20
    /// Most retractions in one transaction, since each searches its message while other processes wait to write; the rest goes
    /// into the next.
    private static let mostRetractions = 32
    /// Most waiting messages, and bytes of their stanzas; beyond them senders wait.
    private static let mostWaiting = 10_000
    private static let mostWaitingBytes = 8 << 20
    /// Most cached numbers of archives and addresses; with more only those of the last transaction stay.
    private static let mostNumbers = 20_000
    /// Unindexed messages at which they are indexed at once; from the smaller number on, which slows queries of the newest
    /// messages down, they are indexed after `indexing` milliseconds.
    private static let manyUnindexed = 16_384
    private static let fewUnindexed = 512
    private static let indexing: Int64 = 2000

    let archive: ArchiveRepository
    /// The cipher of the ids, once the secret has been read.
    private(set) var ids: ArchiveIDs?
    private unowned let server: Server
    private var clock: ArchiveClock
    private var numbers = ArchiveNumbers()
    private var waiting: [ArchivedMessage] = []
    private var waitingBytes = 0
    /// The acknowledgements that wait for each of them.
    private var acks: [PendingAck?] = []
    private var isPlanned = false
    private var isWriting = false
    private var lastBegin: Int64 = .min / 2
    private var isIndexPlanned = false
    private var isIndexing = false
    private var isCollecting = false
    /// Counts of messages that were handed in, and of those that were written or failed.
    private var added = 0
    private var done = 0
    private var observers: [(target: Int, resume: CheckedContinuation<Void, Never>)] = []
    private(set) lazy var neighbours = ArchivePeerSync(self, server)

    static func of(_ server: Server) -> ArchiveWriter { server.state(key) { ArchiveWriter(server) } }

    private init(_ server: Server) {
        self.server = server
        archive = server.store.archive
        clock = ArchiveClock(slot: server.slot)
        server.onShutdown { [unowned self] in await settle() }
    }

    func install(_ declarations: inout Declarations, on host: Host) {
        neighbours.install(&declarations, on: host)
        Loop.spawn { [self] in _ = await isReady() }
    }

    // MARK: Messages

    func nextID() -> Int64 { clock.next() }

    /// Whether no message waits and no transaction runs.
    var isIdle: Bool { done == added && !isIndexing && !isCollecting }

    /// Whether a message can be handed in now; otherwise `isReady` waits for that.
    var isReadyNow: Bool { ids != nil && hasRoom }
    private var hasRoom: Bool { waiting.count < Self.mostWaiting && waitingBytes < Self.mostWaitingBytes }

    /// Waits until a message can be handed in.
    /// - Returns: false if storage does not answer.
    func isReady() async -> Bool {
        if !hasRoom { await settle() }
        if ids != nil { return true }
        do throws(StorageError) {
            let key = try await server.store.serverValues.secret("archive.ids", orElse: RandomPool.take(ArchiveIDs.keyLength))
            ids = ids ?? ArchiveIDs(key: key)
        } catch {
            Log.error("cannot read the secret of the archive", [Field("error", error)])
        }
        return ids != nil
    }

    /// Hands a message in.
    func add(_ message: consuming ArchivedMessage, _ ack: PendingAck?) {
        waitingBytes += message.stanza.count
        waiting.append(message)
        acks.append(ack)
        added += 1
        plan()
    }

    /// Waits until all messages handed in so far are written, or have failed.
    func settle() async {
        guard done < added else { return }
        if !isWriting { begin() }
        await withCheckedContinuation { observers.append((added, $0)) }
    }

    private func plan() {
        guard !isPlanned, !isWriting, !waiting.isEmpty else { return }
        isPlanned = true
        let rest = lastBegin + Self.gathering - Loop.now
        if rest <= 0 {
            Loop.endOfTurn { self.begin() }
        } else {
            Loop.after(rest) { self.begin() }
        }
    }

    private func begin() {
        isPlanned = false
        guard !isWriting, !waiting.isEmpty else { return }
        isWriting = true
        lastBegin = Loop.now
        var (batch, kept): ([ArchivedMessage], [PendingAck?]) = ([], [])
        swap(&batch, &waiting)
        swap(&kept, &acks)
        let most = Self.length(of: batch)
        if batch.count > most {
            waiting = Array(batch[most...])
            acks = Array(kept[most...])
            batch.removeLast(waiting.count)
            kept.removeLast(acks.count)
        }
        waitingBytes -= batch.reduce(0) { $0 + $1.stanza.count }
        Loop.spawn { [self, batch, kept] in await write(batch, kept) }
    }

    /// The number of these messages that one transaction takes.
    private static func length(of messages: [ArchivedMessage]) -> Int {
        var (retractions, size) = (0, 0)
        for (index, message) in messages.prefix(mostAtOnce).enumerated() {
            if size > mostBytesAtOnce { return index }
            size += message.stanza.count
            if message.retraction != nil { retractions += 1 }
            if retractions > mostRetractions { return index }
        }
        return mostAtOnce
    }

    private func write(_ batch: [ArchivedMessage], _ acks: [PendingAck?]) async {
        do throws(StorageError) {
            let receipt = try await archive.append(batch, knowing: numbers)
            numbers.learn(receipt.found, limit: Self.mostNumbers)
            for ack in acks { ack?.fulfill() }
            noteUnindexed(receipt.unindexed)
        } catch {
            Log.error("cannot archive messages", [Field("messages", batch.count), Field("error", error)])
            for ack in acks { ack?.fail("The message cannot be archived") }
        }
        isWriting = false
        done += batch.count
        let served = observers.filter { $0.target <= done }
        observers.removeAll { $0.target <= done }
        for observer in served { observer.resume.resume() }
        if observers.isEmpty { plan() } else { begin() }
    }

    // MARK: Index

    private func noteUnindexed(_ count: Int) {
        if count >= Self.manyUnindexed { return index() }
        guard count >= Self.fewUnindexed, !isIndexPlanned else { return }
        isIndexPlanned = true
        Loop.after(Self.indexing) {
            self.isIndexPlanned = false
            self.index()
        }
    }

    private func index() {
        guard !isIndexing else { return }
        isIndexing = true
        // The database is closed only behind it.
        server.background { [self] in
            do throws(StorageError) {
                while try await archive.index(atLeast: Self.fewUnindexed, limit: Self.manyUnindexed) >= Self.manyUnindexed {}
            } catch {
                Log.error("cannot index the archive", [Field("error", error)])
            }
            isIndexing = false
        }
    }

    // MARK: Garbage

    /// Deletes the archives of removed users, a portion at a time.
    func collectGarbage() {
        guard !isCollecting else { return }
        isCollecting = true
        Loop.spawn { [self] in
            do throws(StorageError) {
                while try await archive.collectGarbage() { await Loop.pause(Self.gathering) }
            } catch {
                Log.error("archives of users who are gone are left over", [Field("error", error)])
            }
            isCollecting = false
        }
    }
}

/// The archive writers of the other workers. Messages that they have not written yet would be missing from an answer.
@LoopActor
final class ArchivePeerSync {
    private static let question = "archive.settle"
    private static let answer = "archive.settled"
    /// Milliseconds that the workers may take to confirm; past them the answer is not called stable.
    private static let patienceMilliseconds: Int64 = 2000

    private unowned let writer: ArchiveWriter
    private unowned let server: Server
    private var questions: [UInt64: Question] = [:]
    private var lastNumber: UInt64 = 0

    @LoopActor
    private final class Question {
        var missing: Set<UInt8>
        let answered = Loop.Signal()

        init(_ slots: [UInt8]) { missing = Set(slots) }
    }

    init(_ writer: ArchiveWriter, _ server: Server) {
        self.writer = writer
        self.server = server
    }

    func install(_ declarations: inout Declarations, on host: Host) {
        declarations.onBroadcast(Self.question) { [unowned host] payload in
            guard payload.count == 9, payload[0] != host.server.slot else { return }
            Loop.spawn { [self] in
                await writer.settle()
                host.tell(payload[0], Self.answer, payload[1...] + [host.server.slot])
            }
        }
        declarations.onBroadcast(Self.answer) { self.take($0) }
    }

    /// Waits until all workers have written the messages handed in before this call.
    /// - Returns: false if one of them does not confirm it.
    func settle(asking host: Host) async -> Bool {
        let slots = server.mesh?.peers ?? []
        guard !slots.isEmpty else {
            await writer.settle()
            return true
        }
        lastNumber += 1
        let number = lastNumber
        let question = Question(slots)
        questions[number] = question
        let payload = [server.slot] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        for slot in slots where !host.tell(slot, Self.question, payload) { question.missing.remove(slot) }
        await writer.settle()
        if !question.missing.isEmpty { _ = await question.answered.wait(within: Self.patienceMilliseconds) }
        questions[number] = nil
        return question.missing.isEmpty
    }

    private func take(_ payload: [UInt8]) {
        guard payload.count == 9 else { return }
        let number = (0..<8).reduce(UInt64(0)) { $0 | UInt64(payload[$1]) << UInt64(8 * $1) }
        guard let question = questions[number] else { return }
        question.missing.remove(payload[8])
        if question.missing.isEmpty { question.answered.fire() }
    }
}
