import Configuration
import Testing

/// Every configuration that the README and the manuals show loads.
///
/// A text that has `[general]` is loaded as it is. A part is completed by a `[general]` with the hosts that it speaks of.
/// Paths of certificates and keys stand for the files of these tests.
@Suite("Configurations in the documentation", .timeLimit(.minutes(1)))
struct DocumentationTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

    private static func lines(_ path: String) throws -> [Substring] {
        String(decoding: try DiskFiles.contents(of: "\(root)/\(path)"), as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
    }

    /// Blocks that stand out by their indentation.
    private static func blocks(ofMarkdown lines: [Substring]) -> [String] {
        var blocks: [[Substring]] = [[]]
        for line in lines {
            if line.hasPrefix("    ") {
                blocks[blocks.count - 1].append(line.dropFirst(4))
            } else if line.allSatisfy({ $0 == " " }), !blocks[blocks.count - 1].isEmpty {
                blocks[blocks.count - 1].append("")
            } else if !blocks[blocks.count - 1].isEmpty {
                blocks.append([])
            }
        }
        return blocks.map { $0.joined(separator: "\n") }
    }

    private static func blocks(ofManual lines: [Substring]) -> [String] {
        var blocks: [[Substring]] = []
        var isInside = false
        for line in lines {
            if line.hasPrefix(".Bd -literal") {
                (isInside, blocks) = (true, blocks + [[]])
            } else if line == ".Ed" {
                isInside = false
            } else if isInside {
                blocks[blocks.count - 1].append(line)
            }
        }
        return blocks.map { $0.joined(separator: "\n").replacing("\\e", with: "\\") }
    }

    /// Whether it is TOML and nothing for a shell: it begins with a table.
    private static func isConfiguration(_ block: String) -> Bool {
        block.split(separator: "\n").first { !$0.hasPrefix("#") }?.hasPrefix("[") == true
    }

    private static let shown: [(place: String, text: String)] = {
        let pages = ["README.md", "man/xmppd.toml.5", "man/xmppd.8", "man/xmppctl.8"]
        return pages.flatMap { page -> [(place: String, text: String)] in
            guard let lines = try? lines(page) else { return [] }
            let blocks = page.hasSuffix(".md") ? blocks(ofMarkdown: lines) : blocks(ofManual: lines)
            return blocks.filter(isConfiguration).map { (page, $0) }
        }
    }()

    @Test("there are some") func some() {
        #expect(Self.shown.contains { $0.place == "README.md" && $0.text.contains("[general]") })
        #expect(Self.shown.count { $0.place == "man/xmppd.toml.5" } >= 3)
    }

    @Test("each loads", arguments: 0..<shown.count)
    func loads(_ number: Int) {
        let (place, shown) = Self.shown[number]
        var text = shown
        for name in ["cert.pem", "example.org.pem"] { text = text.replacing("/etc/xmppd/\(name)", with: "both.pem") }
        for name in ["key.pem", "example.org.key"] { text = text.replacing("/etc/xmppd/\(name)", with: "key.pem") }
        if !text.contains("[general]") { text = "[general]\nhosts = [\"example.org\", \"staff.example.org\"]\n" + text }
        let found = problems(text)
        #expect(found.isEmpty, "\(place):\n\(shown)\n\(found.map(\.description).joined(separator: "\n"))")
    }
}
