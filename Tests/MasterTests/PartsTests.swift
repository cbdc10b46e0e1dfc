import Glibc
import IPC
import Operations
import Supervision
import Testing

@testable import Master

/// The parts of the master that need no second process.
@Suite(.timeLimit(.minutes(5)))
struct PartsTests {
    @Test func somebodyCarriesOutEveryVerbOfTheMaster() { #expect(MasterOperations.handlers.missing == []) }

    @Test func timersFireInTheOrderInWhichTheyAreDue() {
        let loop = EventLoop()
        var fired: [Int] = []
        for (name, delay) in [(1, 400), (2, 0), (3, 200), (4, 0)] as [(Int, Int64)] { loop.after(delay) { fired.append(name) } }
        loop.run { fired.count == 4 }
        #expect(fired == [2, 4, 3, 1])
    }

    @Test func aWatchCancelledWithinATurnHearsNothing() throws {
        let loop = EventLoop()
        let (one, two) = try Descriptor.streamPair()
        #expect(write(one.number, "x", 1) == 1 && write(two.number, "x", 1) == 1)
        var heard = 0
        var watches: [EventLoop.Watch] = []
        for end in [one, two] {
            watches.append(
                loop.watch(end.number, for: Readiness.input) { _ in
                    heard += 1
                    for watch in watches { watch.cancel() }
                })
        }
        loop.run { heard > 0 }
        #expect(heard == 1)
    }

    @Test func eachListenerHasOneSocketOrOneForEachWorker() throws {
        let settings = [
            ListenerSetting(kind: .client, position: 0, address: "127.0.0.1", port: 0),
            ListenerSetting(kind: .client, position: 1, address: "::1", port: 0),
            ListenerSetting(kind: .client, position: 2, address: "::ffff:127.0.0.1", port: 0),
            ListenerSetting(kind: .client, position: 3, address: "127.0.0.1", port: 0, transport: .udp),
        ]
        let set = try ListenerSet(settings, workers: 3)
        #expect(set.bound.map(\.descriptor.index) == [0, 1, 2, 3])
        for bound in set.bound {
            #expect(bound.sockets.count == 1)
            #expect(bound.descriptor.port != 0)
            #expect(bound.sockets.allSatisfy { fcntl($0.number, F_GETFD) & FD_CLOEXEC != 0 })
        }
        // The same port again is refused, unless both sides say that it may be shared.
        var again = settings[0]
        again.port = set.bound[0].descriptor.port
        #expect(throws: ListenerSet.Failure(listener: again, number: EADDRINUSE)) { try ListenerSet([again], workers: 1) }
        again.isShared = true
        #expect(throws: ListenerSet.Failure(listener: again, number: EADDRINUSE)) { try ListenerSet([again], workers: 1) }
        var shared = ListenerSetting(kind: .client, position: 4, address: "127.0.0.1", port: 0, isShared: true)
        let first = try ListenerSet([shared], workers: 2)
        #expect(Set(first.bound[0].sockets.map(\.number)).count == 2)
        shared.port = first.bound[0].descriptor.port
        #expect(try ListenerSet([shared], workers: 1).bound.count == 1)
    }

    @Test func aBindThatFailsSaysWhatToDo() {
        let setting = ListenerSetting(kind: .client, position: 1, address: "192.0.2.1", port: 5222)
        #expect(throws: ListenerSet.Failure(listener: setting, number: EADDRNOTAVAIL)) { try ListenerSet([setting], workers: 1) }
        let failure = ListenerSet.Failure(listener: setting, number: EADDRNOTAVAIL)
        #expect(failure.description.hasPrefix("listen.c2s[2] (192.0.2.1:5222): cannot listen: "))
        #expect(failure.description.contains("correct ip_address"))
    }

    @Test func aLockIsHeldByOneAndEndsWithItsOwner() throws {
        var template = Array("/tmp/xmppd-lock-XXXXXX\0".utf8.map { CChar(bitPattern: $0) })
        let descriptor = mkstemp(&template)
        close(descriptor)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var lock: InstanceLock? = try InstanceLock(path)
        #expect(throws: InstanceLock.Failure.held(path: path, by: getpid())) { try InstanceLock(path) }
        lock = nil
        #expect(lock == nil)
        lock = try InstanceLock(path)
        lock?.release()
        #expect(access(path, F_OK) != 0)
        // A lock on a file that was removed is none: the next one makes its own.
        let next = try InstanceLock(path)
        #expect(access(path, F_OK) == 0)
        next.release()
    }

    @Test(arguments: [
        ([], MasterCommand.run(configuration: "/etc/xmppd/xmppd.toml")), (["--config", "a"], .run(configuration: "a")),
        (["--config=a", "--check"], .check(configuration: "a")), (["-c", "a", "-f"], .run(configuration: "a")),
        (["--help", "--nonsense"], .help), (["--version"], .version),
        (["--show", "--config", "a"], .show(configuration: "a", json: false)),
        (["--json", "--show"], .show(configuration: "/etc/xmppd/xmppd.toml", json: true)),
        (["--import", "-c", "a", "--json"], .review(configuration: "a", json: true)),
        (["--options"], .options(name: nil, json: false)),
        (["--options", "--name", "a", "--json"], .options(name: "a", json: true)),
    ])
    func commandLines(words: [String], command: MasterCommand) throws { #expect(try MasterCommand(words) == command) }

    @Test(arguments: [
        (["--nonsense"], UsageError.unknown("--nonsense")), (["file"], .unknown("file")), (["--config"], .missingValue("--config")),
        (["--config="], .missingValue("--config")),
    ])
    func wrongCommandLines(words: [String], error: UsageError) { #expect(throws: error) { try MasterCommand(words) } }

    @Test func processorTimeIsReadPastAnyName() {
        let ticks = Int64(sysconf(Int32(_SC_CLK_TCK)))
        let text = "7 (a) b) c) S 1 7 7 0 -1 4194560 100 0 0 0 \(3 * ticks) \(2 * ticks) 0 0 20 0 1 0"
        #expect(ProcessFacts.cpu(stat: text) == 5_000)
        #expect(ProcessFacts.cpu(stat: "7 (x) S 1") == nil)
        #expect(ProcessFacts.bytes("Pss:", in: "Rss: 9 kB\nPss:      12 kB\n") == 12_288)
        #expect(ProcessFacts(of: getpid()).residentBytes ?? 0 > 0)
    }

    @Test func endsOfProcessesHaveNames() {
        #expect(describe(ExitStatusWord(0x4600)) == "exit status 70")
        #expect(describe(ExitStatusWord(9)) == "killed by signal 9 (SIGKILL)")
        #expect(ExitStatusWord(139).exit == .signal(11))
    }

    @Test func problemsHaveOneForm() {
        #expect(ReportedProblem(file: "f", line: 3, column: 4, path: "a.b", text: "t").sentence == "f:3:4: a.b: t")
        #expect(ReportedProblem(file: "f", line: 0, column: 0, path: "", text: "t").sentence == "f: t")
    }
}
