import Foundation
import IPC
import Testing

@testable import xmppctl

@Suite(.timeLimit(.minutes(5)))
final class SetupTests {
    private let directory: String

    init() throws { directory = try temporaryDirectory() }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private var file: String { directory + "/xmppd.toml" }

    /// What is written on this machine.
    private func template(_ domain: String, _ admin: String = "", _ certificate: String = ConfigurationTemplate.certificate)
        -> String
    {
        ConfigurationTemplate(domain: domain, admin: admin, certificate: certificate, hasOwnAccount: getpwnam("xmppd") != nil).text
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// Carries `setup` out with a shell script in the place of the server's program, and no server.
    private func setup(_ words: [String], judge: String = "exit 0", _ circumstances: Circumstances = Circumstances()) throws -> Run
    {
        let program = directory + "/xmppd"
        try Data("#!/bin/sh\n\(judge)\n".utf8).write(to: URL(filePath: program))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        var circumstances = circumstances
        circumstances.environment = [
            "XMPPD_PROGRAM": program, "XMPPD_CONTROL_SOCKET": circumstances.environment["socket"] ?? directory + "/none.sock",
        ]
        return xmppctl(["setup", "--file", file] + words, circumstances)
    }

    @Test func writesWhatTheServerAccepts() throws {
        let run = try setup(
            ["--domain", "Capulet.test", "--admin", "nurse"], judge: "grep -q capulet.test $3 && echo $@ > \(directory)/words")
        #expect(run.status == 0, "\(run)")
        #expect(
            run.output == """
                \(file) has been written
                xmppd does not answer. Then:
                  xmppctl start --config \(file)
                  xmppctl account add nurse@capulet.test
                DNS: capulet.test is a name for private use; nothing is looked up.
                """)
        #expect(try text(directory + "/words") == "--check --config \(file).new\n")
        #expect(try text(file) == template("capulet.test", "nurse"))
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o640)
        #expect(!FileManager.default.fileExists(atPath: file + ".new") && !FileManager.default.fileExists(atPath: file + ".old"))
    }

    @Test func changesNothingIfTheServerRefuses() throws {
        try Data(ConfigurationTemplate().text.utf8).write(to: URL(filePath: file))
        let run = try setup(
            ["--domain", "capulet.test", "--certificate", "/nonexistent/cert.pem"], judge: "echo wrong >&2; exit 78")
        #expect(run.status == 78 && run.output.isEmpty)
        #expect(run.errors.contains("\nwrong\n") && run.errors.contains("there is no certificate yet"), "\(run.errors)")
        #expect(try text(file) == ConfigurationTemplate().text)
    }

    @Test func replacesItsOwnFileAndKeepsIt() throws {
        let former = ConfigurationTemplate(domain: "montague.test", admin: "a\"b\\c", certificate: "/a b", key: "/c").text
        try Data(former.utf8).write(to: URL(filePath: file))
        let run = try setup(["--domain", "capulet.test"])
        #expect(run.status == 0 && run.output.contains("the old one is \(file).old"), "\(run)")
        #expect(try text(file) == template("capulet.test"))
        #expect(try text(file + ".old") == former)
    }

    @Test(arguments: [
        "", "[general]\n", ConfigurationTemplate().text + "\n", ConfigurationTemplate().text.replacing("5223", with: "5224"),
    ])
    func replacesNothingThatWasEdited(_ edited: String) throws {
        try Data(edited.utf8).write(to: URL(filePath: file))
        let run = try setup(["--domain", "capulet.test"])
        #expect(run.status == 1 && run.errors.contains("has been edited") && run.errors.contains("--force"), "\(run)")
        #expect(try text(file) == edited)
        #expect(try setup(["--domain", "capulet.test", "--force"]).status == 0)
        #expect(try text(file + ".old") == edited)
    }

    @Test func asksAtATerminal() throws {
        let run = try setup([], Circumstances(typed: ["capulet.test", "", "/a.pem", ""]))
        #expect(run.status == 0, "\(run)")
        #expect(try text(file) == template("capulet.test", "admin", "/a.pem"))
        #expect(try setup([], Circumstances(typed: ["montague.test", "-", "", ""])).status == 0)
        #expect(try text(file) == template("montague.test"))
        #expect(try setup([], Circumstances(typed: ["capulet.test"])).status == 64)
    }

    @Test(arguments: [
        ([], "no domain"), (["--domain", "a b"], "domain"), (["--domain", "a.test", "--admin", "x@a.test"], "before the @"),
        (["--domain", "a.test", "--admin", "a b"], "jid"),
    ])
    func whatCannotBeIsRefused(_ words: [String], _ text: String) throws {
        let run = try setup(words)
        #expect(run.status == 64 && run.errors.contains(text), "\(run)")
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    private static func status(with file: String) -> Value {
        guard case .object(var members) = StatusTests.status(pid: 1, state: "ready") else { return nil }
        for index in members.indices where members[index].name == "master" {
            guard case .object(var master) = members[index].value else { return nil }
            for place in master.indices where master[place].name == "config" { master[place].value = .string(file) }
            members[index].value = .object(master)
        }
        return .object(members)
    }

    @Test func aServerThatRunsReadsItAndMakesTheAccount() throws {
        let file = file
        let server = try FakeServer { (request: ControlRequest) -> [FakeServer.Reaction] in
            switch request.verb {
            case "status": return [.success(Self.status(with: file))]
            case "reload":
                return [
                    .success([
                        "configuration": .string(file), "dry_run": false, "notes": ["a note"], "changes": [], "opened": [],
                        "closed": [],
                    ])
                ]
            case "account.exists": return [.success(["exists": false])]
            default: return [.success(["jid": "nurse@capulet.test"])]
            }
        }
        var circumstances = Circumstances(input: ["secret"])
        circumstances.environment["socket"] = server.socket
        let run = try setup(["--domain", "capulet.test", "--admin", "nurse"], circumstances)
        #expect(run.status == 0 && run.output.contains("a note\nxmppd has read it\nnurse@capulet.test has been added"), "\(run)")
        #expect(server.asked.map(\.verb) == ["status", "reload", "account.exists", "account.add"])
        #expect(server.asked.last?.arguments["password"]?.string == "secret")
    }

    /// What packages install is what `setup` writes with its presets.
    @Test func theFileOfPackagesIsTheTemplate() throws {
        #expect(try Repository.text("packaging/debian/xmppd.toml") == ConfigurationTemplate().text)
    }
}
