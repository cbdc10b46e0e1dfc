import Foundation

/// A conversation between clients as a file of `Tests/Scenarios` tells it: who is there, who sends what, who receives what.
///
/// A line that begins at the margin is a step; indented lines below it are the stanzas of that step. `#` begins a comment.
/// The steps are in `Step`, and the files are examples of all of them.
struct Scenario: Sendable, CustomStringConvertible {
    enum Step: Sendable {
        /// `modules [modules.mod_mam.pm]`, the first step: these instead of all but the archive.
        case modules([String])
        /// `romeo, juliet and nurse have accounts`
        case accounts([String])
        /// `juliet/balcony is on worker 0`: has asked for the roster and is available; `…, silent`: neither.
        case arrives(client: String, worker: Int, isSilent: Bool)
        /// `juliet and romeo are contacts`
        case contacts(String, String)
        /// `juliet/balcony sends`
        case sends(client: String, stanzas: [String])
        /// `juliet/balcony receives`; `…, in any order`
        case receives(client: String, stanzas: [String], isOrdered: Bool)
        /// `nobody receives anything else`
        case silence
        /// `juliet/balcony disconnects`
        case leaves(client: String)
        /// `juliet/balcony loses the connection`
        case loses(client: String)
        /// `juliet/balcony resumes on worker 1`
        case resumes(client: String, worker: Int)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    /// With the numbers of their lines.
    let steps: [(line: Int, step: Step)]

    var description: String { name }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
        path: "Scenarios")

    /// The names of all files, without their extension.
    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".scenario") }.map { String($0.dropLast(".scenario".count)) }.sorted()
    }()

    init(named name: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: name + ".scenario"), encoding: .utf8)
        try self.init(name, text)
    }

    init(_ name: String, _ text: String) throws {
        self.name = name
        var steps: [(Int, Step)] = []
        var blocks = Self.blocks(text)[...]
        while let block = blocks.popFirst() {
            guard let step = Self.step(block.head, block.stanzas) else {
                throw Failure(description: "\(name).scenario:\(block.line): not understood: \(block.head)")
            }
            steps.append((block.line, step))
        }
        self.steps = steps
    }

    /// Each line at the margin with what is indented below it, whose stanzas begin at the same depth.
    private static func blocks(_ text: String) -> [(line: Int, head: String, stanzas: [String])] {
        var blocks: [(line: Int, head: String, stanzas: [String])] = []
        var depth = 0
        for (number, line) in zip(1..., text.split(separator: "\n", omittingEmptySubsequences: false)) {
            let words = line.trimmingCharacters(in: .whitespaces)
            guard !words.isEmpty, !words.hasPrefix("#") else { continue }
            let indent = line.prefix { $0 == " " }.count
            if indent == 0 {
                blocks.append((number, words, []))
                depth = 0
            } else if blocks[blocks.count - 1].stanzas.isEmpty || indent <= depth && !words.hasPrefix("</") {
                depth = indent
                blocks[blocks.count - 1].stanzas.append(words)
            } else {
                blocks[blocks.count - 1].stanzas[blocks[blocks.count - 1].stanzas.count - 1] += words
            }
        }
        return blocks
    }

    private static func step(_ head: String, _ stanzas: [String]) -> Step? {
        let words = head.replacing(",", with: "").split(separator: " ").map(String.init)
        let client = words[0]
        return switch words.dropFirst().joined(separator: " ") {
        case _ where client == "modules": .modules(Array(words.dropFirst()))
        case let rest where rest.hasSuffix("have accounts"): .accounts(words.dropLast(2).filter { $0 != "and" })
        case let rest where rest.hasSuffix("are contacts") && words.count == 5: .contacts(client, words[2])
        case let rest where rest.hasPrefix("is on worker"):
            Int(words[4]).map { .arrives(client: client, worker: $0, isSilent: words.last == "silent") }
        case "sends": stanzas.isEmpty ? nil : .sends(client: client, stanzas: stanzas)
        case "receives": stanzas.isEmpty ? nil : .receives(client: client, stanzas: stanzas, isOrdered: true)
        case "receives in any order": stanzas.isEmpty ? nil : .receives(client: client, stanzas: stanzas, isOrdered: false)
        case "receives anything else" where client == "nobody": .silence
        case "disconnects": .leaves(client: client)
        case "loses the connection": .loses(client: client)
        case let rest where rest.hasPrefix("resumes on worker"): Int(words[4]).map { .resumes(client: client, worker: $0) }
        default: nil
        }
    }
}
