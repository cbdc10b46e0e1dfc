import Configuration
import IPC
import TestKit
import Testing

@testable import Worker

@Suite("A configuration that a worker prepares", .timeLimit(.minutes(2)))
struct PreparedConfigurationTests {
    private let directory: ScratchDirectory

    init() throws { directory = try ScratchDirectory() }

    @Test("each listener has its own options and TLS, by its place among its kind")
    func listeners() throws {
        let (lines, files) = WorkerStage.tls("starttls", try Certificate(in: directory), in: directory)
        let bundle = WorkerStage.bundle(
            ["max_connections = 1", "max_connections = 2\n  " + lines, "max_connections = 3"], in: directory, files: files)
        let prepared = try PreparedConfiguration(bundle)
        #expect((0..<4).map { prepared.clientListener($0)?.options.maxConnections } == [1, 2, 3, nil])
        #expect((0..<4).map { prepared.clientListener($0)?.tls != nil } == [false, true, false, false])
    }

    @Test("what the text says wrong is refused with its line and path")
    func wrongText() throws {
        do {
            _ = try PreparedConfiguration(WorkerStage.bundle(["max_connections = \"many\""], in: directory))
            Issue.record("it was taken")
        } catch let refusal as ConfigurationReading.Refusal {
            #expect(refusal.problems.map(\.path) == ["listen.c2s[1].max_connections"])
            #expect(refusal.problems.first?.file == "stage.toml")
            #expect(refusal.problems.first?.line ?? 0 > 1)
        }
    }

    /// The option that OpenSSL complains of, by what is wrong with a listener's TLS.
    @Test(
        "what only OpenSSL can judge is refused by the option that is to blame",
        arguments: [
            ("certificate", "listen.c2s[1].tls.certfile"), ("key", "listen.c2s[1].tls.keyfile"),
            ("ciphers", "listen.c2s[1].tls.ciphers"), ("dh", "listen.c2s[1].tls.dhfile"),
        ])
    func wrongTLS(what: String, path: String) throws {
        var (lines, files) = WorkerStage.tls("starttls", try Certificate(in: directory), in: directory)
        func garbage(_ label: String) -> [UInt8] { Array("-----BEGIN \(label)-----\nAAAA\n-----END \(label)-----\n".utf8) }
        switch what {
        case "certificate": files[0].contents = garbage("CERTIFICATE")
        case "key":
            let other = try Certificate(in: directory, name: "other")
            files[1].contents = WorkerStage.tls("starttls", other, in: directory).files[1].contents
        case "ciphers": lines += "\n  tls.ciphers = \"NO-SUCH\""
        default:
            lines += "\n  tls.dhfile = \"dh.pem\""
            files.append(ConfigurationBundle.File(name: "dh.pem", contents: garbage("DH PARAMETERS")))
        }
        do {
            _ = try PreparedConfiguration(WorkerStage.bundle([lines], in: directory, files: files))
            Issue.record("it was taken")
        } catch let failure as TLSSetup.Failure {
            #expect(failure.problems.map(\.path) == [path])
            #expect(failure.problems.allSatisfy { $0.line > 1 && $0.text.contains("expected") })
        }
    }
}
