import IPC
import Testing

@Suite(.timeLimit(.minutes(5)))
struct PasswordTests {
    private func add(_ circumstances: Circumstances) throws -> (run: Run, password: String?) {
        let server = try FakeServer { _ in [.success(["jid": "ada@example.org"])] }
        let run = xmppctl(["account", "add", "ada@example.org", "--socket", server.socket], circumstances)
        return (run, server.asked.first?.arguments["password"]?.string)
    }

    @Test func isAskedForTwiceAtATerminal() throws {
        let (run, password) = try add(Circumstances(typed: ["tomato soup", "tomato soup"]))
        #expect(password == "tomato soup")
        #expect(
            run
                == Run(
                    status: 0, output: "ada@example.org has been added", errors: "New password for ada@example.org: \nOnce more: "))
    }

    @Test(arguments: [["tomato", "potato"], ["tomato"], [""], []])
    func nothingIsDoneUnlessBothAreOne(_ typed: [String]) throws {
        let (run, password) = try add(Circumstances(typed: typed))
        #expect(password == nil)
        #expect(run.status == 64)
        #expect(!run.errors.contains("tomato"))
    }

    @Test func isTheFirstLineOtherwise() throws {
        #expect(try add(Circumstances(input: [" tomato ", "second line"])).password == " tomato ")
    }

    @Test(arguments: [[], [""]])
    func anEmptyInputIsRefused(_ input: [String]) throws {
        let (run, password) = try add(Circumstances(input: input))
        #expect(password == nil)
        #expect(run == Run(status: 64, output: "", errors: "xmppctl: no password: standard input is empty"))
    }

    @Test func nobodyIsAskedForAnAddressThatIsNone() {
        let run = xmppctl(["account", "passwd", "example.org"], Circumstances(typed: ["x", "x"]))
        #expect(
            run
                == Run(
                    status: 64, output: "", errors: "xmppctl: argument 'jid' is 'example.org': expected an address as user@domain"))
    }
}
