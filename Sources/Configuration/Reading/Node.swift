import CTOML

/// One value of a TOML text, with its place. What it means is not known yet.
struct Node {
    enum Value {
        case table([Entry])
        case array([Node])
        case string(String)
        case integer(Int64)
        case float(Double)
        case boolean(Bool)
        case date
    }

    let value: Value
    let position: Position
}

/// A key of a table with its value.
struct Entry {
    let key: String
    let position: Position
    let node: Node
}

extension Node {
    /// Reads a whole text. Throws the first error of syntax: after it no structure can be trusted.
    static func parse(_ text: [UInt8], file: String) throws(Problem) -> Node {
        let builder = Builder()
        var failure = ctoml_error()
        let parsed = withUnsafeMutablePointer(to: &failure) { failure in
            text.withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    ctoml_parse(
                        characters.baseAddress, characters.count,
                        { context, event in
                            guard let context, let event else { return }
                            Unmanaged<Builder>.fromOpaque(context).takeUnretainedValue().take(event.pointee)
                        },
                        Unmanaged.passUnretained(builder).toOpaque(), failure)
                }
            }
        }
        guard parsed, let root = builder.root else {
            throw Problem(
                .notTOML, file: file, at: Position(failure.position), path: "",
                expected: message(of: failure))
        }
        return root
    }

    private static func message(of failure: ctoml_error) -> String {
        let text = withUnsafeBytes(of: failure.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let prefix = "Error while "
        return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
    }
}

extension Position {
    fileprivate init(_ place: ctoml_position) {
        self.init(line: Int(place.line), column: Int(place.column))
    }
}

/// Makes nodes of the events of one parse. Tables and arrays under construction are on the stack.
private final class Builder {
    private struct Open {
        let key: String?
        let keyPosition: Position
        let position: Position
        var entries: [Entry] = []
        var elements: [Node] = []
    }

    private var open: [Open] = []
    private(set) var root: Node?

    func take(_ event: ctoml_event) {
        switch event.kind {
        case CTOML_TABLE_BEGIN, CTOML_ARRAY_BEGIN:
            open.append(
                Open(
                    key: Self.key(of: event), keyPosition: Position(event.key_position),
                    position: Position(event.position)))
        case CTOML_TABLE_END:
            guard let done = open.popLast() else { return }
            let entries = done.entries.sorted { $0.position < $1.position }
            place(Node(value: .table(entries), position: done.position), done.key, done.keyPosition)
        case CTOML_ARRAY_END:
            guard let done = open.popLast() else { return }
            place(Node(value: .array(done.elements), position: done.position), done.key, done.keyPosition)
        default:
            place(
                Node(value: Self.scalar(event), position: Position(event.position)),
                Self.key(of: event), Position(event.key_position))
        }
    }

    private func place(_ node: Node, _ key: String?, _ keyPosition: Position) {
        guard let last = open.indices.last else {
            root = node
            return
        }
        if let key {
            open[last].entries.append(Entry(key: key, position: keyPosition, node: node))
        } else {
            open[last].elements.append(node)
        }
    }

    private static func key(of event: ctoml_event) -> String? {
        guard let key = event.key else { return nil }
        return text(key, event.key_length)
    }

    private static func scalar(_ event: ctoml_event) -> Node.Value {
        switch event.kind {
        case CTOML_STRING: .string(event.text.map { text($0, event.text_length) } ?? "")
        case CTOML_INTEGER: .integer(event.integer)
        case CTOML_FLOAT: .float(event.real)
        case CTOML_BOOLEAN: .boolean(event.boolean)
        default: .date
        }
    }

    private static func text(_ start: UnsafePointer<CChar>, _ length: Int) -> String {
        let bytes = UnsafeRawBufferPointer(start: start, count: length)
        return String(decoding: bytes, as: UTF8.self)
    }
}
