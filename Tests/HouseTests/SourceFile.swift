import Glibc

/// A file of the tree, read line by line.
///
/// Lines are searched for plain words first: a regular expression for each line of the tree would take minutes in a
/// build for debugging.
struct SourceFile {
    let path: String
    let lines: [Substring]
    private let text: String

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The folder below `Sources` or `Tests`: the target.
    var room: String { String(path.split(separator: "/")[1]) }

    var name: Substring { path.split(separator: "/").last ?? "" }

    /// The lines whose code has the word somewhere, with their numbers; comments and what stands in quotes are gone.
    func code(with word: String) -> [(number: Int, line: String)] {
        guard has(word) else { return [] }
        return zip(1..., lines).filter { Self.has(word, $0.1.utf8) }.map { ($0.0, Self.code(of: $0.1)) }
            .filter { $0.1.contains(word) }
    }

    /// Whether the word stands anywhere in the file.
    func has(_ word: String) -> Bool { Self.has(word, text.utf8) }

    /// By the functions of the C library: Swift's search is slow in a build for debugging.
    private static func has(_ word: String, _ text: some Collection<UInt8>) -> Bool {
        let length = word.utf8.count
        guard let first = word.utf8.first else { return true }
        return text.withContiguousStorageIfAvailable { bytes in
            guard var place = UnsafeRawPointer(bytes.baseAddress) else { return false }
            let end = place + bytes.count
            while let found = memchr(place, Int32(first), end - place), end - UnsafeRawPointer(found) >= length {
                if memcmp(found, word, length) == 0 { return true }
                place = UnsafeRawPointer(found) + 1
            }
            return false
        } ?? true
    }

    /// `path:line` of each line whose code has the word.
    func places(of word: String) -> [String] { code(with: word).map { "\(path):\($0.number)" } }

    /// The modules that the file imports, whole or a declaration of theirs.
    var imports: [String] {
        code(with: "import ").compactMap { _, line in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"), words[..<keyword].allSatisfy(Self.isModifier) else { return nil }
            let rest = words[(keyword + 1)...].drop { Self.declarations.contains(String($0)) || $0 == "func" || $0 == "var" }
            return rest.first?.split(separator: ".").first.map(String.init)
        }
    }

    /// The types that the file declares, each with the line of its declaration.
    var types: [(name: String, line: String)] {
        Self.declarations.flatMap { keyword in
            code(with: "\(keyword) ").compactMap { _, line in
                let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }
                guard let place = words.firstIndex(where: { $0 == keyword }), place + 1 < words.count else { return nil }
                return (String(words[place + 1]), line)
            }
        }
    }

    /// Those that stand on their own and are known to other files.
    var topLevelTypes: [String] {
        types.filter { !$0.line.starts(with: " ") && !$0.line.contains("private ") }.map(\.name)
    }

    private static let declarations = ["class", "struct", "enum", "actor", "protocol", "typealias"]

    private static func isModifier(_ word: Substring) -> Bool {
        word.hasPrefix("@") || ["public", "package", "internal", "private", "fileprivate"].contains(word)
    }

    /// Without a comment that fills the rest of the line and without what stands in quotes on it.
    private static func code(of line: Substring) -> String {
        String(line.replacing(#/"(\\.|[^"\\])*"/#, with: "\"\"")).withoutComment
    }
}

extension String {
    fileprivate var withoutComment: String { firstRange(of: "//").map { String(self[..<$0.lowerBound]) } ?? self }
}
