import Network
import Testing
import XML
import XMPP

@testable import Kernel

@Suite("The inbox of a source: its stanzas are handled in order, one at a time", .timeLimit(.minutes(1)))
struct StanzaInboxTests {
    init() { precondition(Loop.runOnThread()) }

    @Test("a stanza that nothing precedes has its turn at once")
    @LoopActor func handlesAtOnce() {
        let source = TestSource()
        source.receive("a", "b")
        #expect(source.handled == ["a", "b"])
        #expect(source.inbox.handled == 2 && source.inbox.isSettled)
    }

    @Test("what follows a suspended stanza waits for it, and comes in order, injected elements among the others")
    @LoopActor func keepsOrder() async {
        let source = TestSource()
        source.suspending = ["a", "c"]
        source.receive("a", "b")
        source.inject("x")
        source.receive("c", "d")
        #expect(source.handled == ["a"])
        await source.finish("a")
        #expect(source.handled == ["a", "b", "x", "c"])
        await source.finish("c")
        #expect(source.handled == ["a", "b", "x", "c", "d"] && source.inbox.isSettled)
    }

    @Test("what is injected while those that waited are handled does not overtake them")
    @LoopActor func injectionWaitsItsTurn() async {
        let source = TestSource()
        source.suspending = ["a"]
        source.onHandle = { [unowned source] in if $0 == "b" { source.inject("x") } }
        source.receive("a", "b", "c")
        await source.finish("a")
        #expect(source.handled == ["a", "b", "c", "x"])
    }

    @Test("a full inbox stops the reading, once, and it goes on when there is room")
    @LoopActor func readingPausesAtTheBound() async {
        let source = TestSource()
        source.suspending = ["0", "1"]
        for number in 0..<StanzaInbox.maxWaiting { source.receive("\(number)") }
        #expect(source.reading.isEmpty, "one has its turn, and one less than the bound waits")
        source.receive("full")
        #expect(source.reading == ["paused"])
        source.receive("read before")
        source.inject("injected")
        #expect(source.reading == ["paused"], "what comes all the same is taken")
        await source.finish("0")
        #expect(source.handled == ["0", "1"] && source.reading == ["paused"], "it is as full as may be")
        await source.finish("1")
        #expect(source.reading == ["paused", "resumed"] && source.handled.count == StanzaInbox.maxWaiting + 3)
    }

    @Test("a stanza counts as handled when its handling is over and all its conditions are fulfilled")
    @LoopActor func conditionsHoldTheCount() async {
        let source = TestSource()
        source.suspending = ["a"]
        var acks: [PendingAck] = []
        source.onHandle = { [unowned source] in if $0 != "c" { acks.append(source.deferAck()) } }
        source.receive("a", "b", "c")
        #expect(source.inbox.received == 3 && source.inbox.handled == 0)
        await source.finish("a")
        #expect(source.handled == ["a", "b", "c"] && source.inbox.handled == 0 && !source.inbox.isSettled)
        acks[1].fulfill()
        #expect(source.inbox.handled == 0, "an earlier one is open")
        let advances = source.advances
        acks[0].fulfill()
        #expect(source.inbox.handled == 3 && source.inbox.isSettled && source.advances == advances + 1)
    }

    @Test("an injected element has no number, whatever it waits for")
    @LoopActor func injectedIsNotCounted() async {
        let source = TestSource()
        source.suspending = ["x"]
        source.receive("a")
        source.inject("x")
        source.inject("y")
        source.receive("b")
        #expect(source.inbox.received == 2 && source.inbox.handled == 1)
        await source.finish("x")
        #expect(source.handled == ["a", "x", "y", "b"])
        #expect(source.inbox.received == 2 && source.inbox.handled == 2 && source.inbox.isSettled)
    }

    @Test("the end of a source while it is suspended is the end of what waits, and of nothing that is under way")
    @LoopActor func endsWhileSuspended() async {
        let source = TestSource()
        source.suspending = ["a"]
        source.receive("a", "b")
        source.close(nil)
        await source.finish("a")
        source.receive("c")
        #expect(source.handled == ["a"] && source.inbox.isSettled)
        #expect(source.inbox.handled == 1, "what was under way has been handled")
    }

    @Test("a condition that fails ends its source, whose count stays as it is")
    @LoopActor func failureEndsTheSource() {
        let source = TestSource()
        source.onHandle = { [unowned source] _ in source.deferAck().fail("the disk is full") }
        source.receive("a", "b")
        #expect(source.handled == ["a"] && source.hasEnded && source.inbox.handled == 0)
        #expect(source.error?.condition == .internalServerError)
    }
}

/// A source that is no session: it notes what it handles, and suspends where it is told to.
@LoopActor
private final class TestSource: StanzaSource {
    let jid = JID.prepared(local: "", domain: "example.org")
    var session: Session? { nil }
    let acknowledges = true
    var inbox = StanzaInbox()
    private(set) var hasEnded = false
    private(set) var error: StreamError?
    private(set) var handled: [String] = []
    private(set) var reading: [String] = []
    private(set) var advances = 0
    var suspending: Set<String> = []
    var onHandle: @LoopActor (String) -> Void = { _ in }
    private var waiting: [String: CheckedContinuation<Void, Never>] = [:]

    func receive(_ names: String...) {
        for name in names { admit(Element(name, "jabber:server"), isInjected: false) }
    }

    func inject(_ name: String) { admit(Element(name, "jabber:server"), isInjected: true) }

    func handle(_ element: Element) {
        let name = element.name
        handled.append(name)
        onHandle(name)
        guard suspending.contains(name) else { return }
        suspend { [self] in await withCheckedContinuation { waiting[name] = $0 } }
    }

    /// Ends the suspension that a stanza began, and waits until the inbox has gone on.
    func finish(_ name: String) async {
        while waiting[name] == nil { await Loop.nextTurn() }
        let before = advances
        waiting.removeValue(forKey: name)?.resume()
        while advances == before { await Loop.nextTurn() }
    }

    func pauseReading() { reading.append("paused") }
    func resumeReading() { reading.append("resumed") }
    func inboxDidAdvance() { advances += 1 }

    func close(_ error: StreamError?) {
        self.error = error
        hasEnded = true
        inbox.removeAll()
    }
}
