import Testing

@Suite("The code keeps the rules of the house", .timeLimit(.minutes(5)))
struct CodeTests {
    private static let everything = ["Sources", "Tests"].flatMap {
        SourceTree.files(under: $0, ["swift", "c", "h", "cpp"])
    }
    private static let sources = SourceTree.files(under: "Sources", ["swift"])

    @Test("a file has at most 400 lines, or says in its first ten why it has more")
    func filesAreShort() {
        for file in Self.everything where file.lines.count > 401 {
            let head = file.lines.prefix(10).filter { $0.starts(with: "//") || $0.starts(with: " *") || $0.starts(with: "/*") }
            #expect(head.contains { $0.contains(" lines") }, "\(file.path) has \(file.lines.count - 1) lines")
        }
    }

    @Test("nothing that ends the process is within reach of a peer or an operator")
    func nothingEndsTheProcess() {
        for word in ["fatalError(", "preconditionFailure(", "try!", "as!"] {
            let places = Self.sources.flatMap { $0.places(of: word) }
            #expect(places.isEmpty, "\(word) at \(places.joined(separator: ", "))")
        }
    }

    @Test("nothing is left for later")
    func nothingIsUnfinished() {
        for file in Self.everything
        where file.room != "HouseTests" && ["TODO", "FIXME", "HACK"].contains(where: { file.has($0) }) {
            for (number, line) in zip(1..., file.lines) {
                #expect(!["TODO", "FIXME", "HACK"].contains { line.contains($0) }, "\(file.path):\(number)")
            }
        }
    }

    @Test("no type bears the name of a room")
    func typesAreNotRooms() {
        let rooms = Set(Room.all.map(\.name))
        for file in Self.sources {
            for type in file.types { #expect(!rooms.contains(type.name), "\(file.path) declares \(type.name)") }
        }
    }

    @Test("no file is named after what it is not about")
    func namesSayWhat() {
        /// systemd and its like are called so.
        let allowed: Set<Substring> = ["ServiceManager.swift"]
        for file in Self.everything where !allowed.contains(file.name) {
            #expect(!["Util", "Helper", "Manager", "Common."].contains { file.name.contains($0) }, "\(file.path)")
        }
    }
}
