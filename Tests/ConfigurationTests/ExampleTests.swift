import Configuration
import Glibc
import Testing

/// The files an operator gets agree with the option table.
@Suite(.timeLimit(.minutes(5)))
struct ExampleTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

    private func contents(_ path: String) throws -> [UInt8] {
        try DiskFiles.contents(of: "\(Self.root)/\(path)")
    }

    @Test func exampleLoadsWithoutAWord() throws {
        let files = DiskFiles()
        let result = ConfigurationLoader.load(text: try contents("etc/xmppd.toml"), path: "xmppd.toml", files: files)
        guard case .loaded(let configuration, let notes) = result else {
            Issue.record("refused: \(result)")
            return
        }
        #expect(notes.isEmpty, "\(notes.map(\.description))")
        #expect(files.files.isEmpty)
        #expect(configuration.hosts == ["localhost"])
        #expect(configuration.listeners.count == 2)
        #expect(configuration.host("localhost").modules.count == 17)
    }

    /// Every option that is commented out in the example is one that would be accepted.
    @Test func commentedOptionsOfTheExampleLoadToo() throws {
        let text = String(decoding: try contents("etc/xmppd.toml"), as: UTF8.self)
        var lines: [String] = []
        var depth = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let bare = line.drop { $0 == " " }
            let commented = bare.drop { $0 == "#" || $0 == " " }
            let starts = ["[", "{", "\"", "]"]
            let isSetting = commented.contains(" = ") && commented.first?.isLowercase == true
            let isOption =
                bare.hasPrefix("#") && !commented.hasPrefix("\"fast_tls\"")
                && (isSetting || starts.contains { commented.hasPrefix($0) })
            depth += isOption ? 1 : 0
            lines.append(String(isOption ? commented : line))
        }
        #expect(depth > 30)
        var whole = lines.joined(separator: "\n")
        for path in ["/etc/xmppd/example.org.pem", "/etc/xmppd/cert.pem"] {
            whole = whole.replacing(path, with: "both.pem")
        }
        whole = whole.replacing("/etc/xmppd/key.pem", with: "key.pem")
            .replacing("hosts = [\"localhost\"]", with: "hosts = [\"localhost\", \"example.org\"]")
        let result = try loaded(whole)
        #expect(result.configuration.listeners.count == 5)
        #expect(result.notes.isEmpty, "\(result.notes.map(\.description))")
    }

    /// The list of options in the manual is the table. With `XMPPD_WRITE_MANUAL=1` the test writes it anew.
    @Test func manualListsEveryOption() throws {
        let path = "man/xmppd.toml.5"
        let page = String(decoding: try contents(path), as: UTF8.self)
        var current = page
        for (begin, end, text) in [
            (Manual.begin, Manual.end, Manual.optionList),
            (Manual.beginListenKeys, Manual.endListenKeys, Manual.listenKeyTable),
        ] {
            let first = try #require(current.firstRange(of: begin + "\n"))
            let last = try #require(current.firstRange(of: end + "\n"))
            current = current[..<first.lowerBound] + text + current[last.upperBound...]
        }
        if getenv("XMPPD_WRITE_MANUAL") != nil {
            let file = try #require(fopen("\(Self.root)/\(path)", "w"))
            defer { fclose(file) }
            let written = Array(current.utf8)
            #expect(fwrite(written, 1, written.count, file) == written.count)
            return
        }
        #expect(page == current, "regenerate with XMPPD_WRITE_MANUAL=1 swift test --filter ExampleTests")
        let lines = Set(page.replacing("\\:", with: "").split(separator: "\n").map(String.init))
        #expect(OptionTable.rows.allSatisfy { lines.contains(".It Ic \($0.path)") })
    }
}
