import Glibc

/// A POSIX extended regular expression, compiled once. `\d`, `\D` are taken too, since the pattern may come
/// from a file written for another matcher.
final class RegularExpression: @unchecked Sendable {
    // Sendable: regexec(3) does not change a compiled expression, and nothing else touches it until deinit.
    private let compiled: UnsafeMutablePointer<regex_t>

    struct Failure: Error, CustomStringConvertible { let description: String }

    private init(_ compiled: UnsafeMutablePointer<regex_t>) { self.compiled = compiled }

    deinit {
        regfree(compiled)
        compiled.deallocate()
    }

    static func compile(_ pattern: String) -> Result<RegularExpression, Failure> {
        guard !pattern.utf8.contains(0) else { return .failure(Failure(description: "it contains a zero byte")) }
        guard let translated = translated(pattern) else {
            return .failure(Failure(description: "(?…) groups are not supported"))
        }
        let storage = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        storage.initialize(to: regex_t())
        let status = regcomp(storage, translated, REG_EXTENDED | REG_NOSUB)
        guard status == 0 else {
            var text = [UInt8](repeating: 0, count: 200)
            text.withUnsafeMutableBytes { bytes in
                _ = regerror(status, storage, bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
            }
            storage.deallocate()
            return .failure(Failure(description: String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)))
        }
        return .success(RegularExpression(storage))
    }

    /// Whether the expression matches somewhere in the text.
    func matches(_ text: String) -> Bool {
        !text.utf8.contains(0) && regexec(compiled, text, 0, nil, 0) == 0
    }

    /// Nil for a group with a question mark, which POSIX does not know.
    private static func translated(_ pattern: String) -> String? {
        var result = ""
        var escaped = false, opened = false
        for character in pattern {
            if opened && character == "?" { return nil }
            opened = false
            switch (escaped, character) {
            case (true, "d"): result += "[0-9]"
            case (true, "D"): result += "[^0-9]"
            case (true, _): result += "\\\(character)"
            case (false, "\\"): break
            case (false, _):
                opened = character == "("
                result.append(character)
            }
            escaped = !escaped && character == "\\"
        }
        return escaped ? result + "\\" : result
    }
}

/// A pattern in which `*` stands for any text, `?` for one character, `[abc]`, `[a-z]` and `[!a]` for one out of a set.
struct Glob: Sendable, Equatable {
    private enum Part: Sendable, Equatable {
        case literal(Character)
        case one
        case any
        case set([ClosedRange<Character>], negated: Bool)

        func matches(_ character: Character) -> Bool {
            switch self {
            case .literal(let own): own == character
            case .one, .any: true
            case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
            }
        }
    }

    private let parts: [Part]

    /// Nil for a set that is never closed or is empty, and for a backslash at the end.
    init?(_ pattern: String) {
        var parts: [Part] = []
        var rest = Array(pattern)[...]
        while let character = rest.popFirst() {
            switch character {
            case "*": parts.append(.any)
            case "?": parts.append(.one)
            case "[":
                guard let set = Self.set(&rest) else { return nil }
                parts.append(set)
            case "\\":
                guard let literal = rest.popFirst() else { return nil }
                parts.append(.literal(literal))
            default: parts.append(.literal(character))
            }
        }
        self.parts = parts
    }

    private static func set(_ rest: inout ArraySlice<Character>) -> Part? {
        var ranges: [ClosedRange<Character>] = []
        let negated = rest.first == "!" || rest.first == "^"
        if negated { rest.removeFirst() }
        while let low = rest.popFirst() {
            if low == "]" && !ranges.isEmpty { return .set(ranges, negated: negated) }
            if low == "]" && !rest.contains("]") { return nil }
            if rest.first == "-", let high = rest.dropFirst().first, high != "]" {
                guard low <= high else { return nil }
                rest.removeFirst(2)
                ranges.append(low...high)
            } else {
                ranges.append(low...low)
            }
        }
        return nil
    }

    /// Whether the pattern matches the whole text. Only the last `*` is ever tried again, so the time is at most
    /// the product of both lengths.
    func matches(_ text: String) -> Bool {
        let text = Array(text)
        var place = 0, part = 0
        var star: (part: Int, place: Int)?
        while place < text.count {
            if part < parts.count, parts[part] == .any {
                star = (part, place)
                part += 1
            } else if part < parts.count, parts[part].matches(text[place]) {
                part += 1
                place += 1
            } else if let last = star {
                star = (last.part, last.place + 1)
                part = last.part + 1
                place = last.place + 1
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .any }
    }
}
