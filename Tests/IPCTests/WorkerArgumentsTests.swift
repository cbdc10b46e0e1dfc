import Testing

@testable import IPC

@Suite(.timeLimit(.minutes(5)))
struct WorkerArgumentsTests {
    @Test func comeBack() {
        var arguments = WorkerArguments(slot: 1, incarnation: 3, workers: 2, logLevel: "info")
        #expect(WorkerArguments(arguments.words) == arguments)
        arguments.account = ProcessAccount(name: "xmppd", user: 107, group: 65_534)
        #expect(WorkerArguments(arguments.words) == arguments)
    }

    @Test(arguments: [
        "", "--slot 0", "--slot 2 --incarnation 1 --workers 2 --log-level info", "--slot 0 --incarnation 1 --workers 2 --log-level",
        "--slot 0 --incarnation 1 --workers 2 --log-level info --more x", "--slot x --incarnation 1 --workers 2 --log-level info",
        "--slot 0 --incarnation 1 --workers 2 --log-level info --account xmppd:1",
    ])
    func areRefusedUnlessWhole(line: String) {
        #expect(WorkerArguments(line.split(separator: " ").map(String.init)) == nil)
    }
}
