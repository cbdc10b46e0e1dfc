import Testing

@Suite("Imports go down", .timeLimit(.minutes(5)))
struct ImportTests {
    @Test("the table of rooms itself points down, or sideways to what stands above in it")
    func tableIsOrdered() {
        var seen: [String: Room] = [:]
        for room in Room.all {
            for name in room.rooms.sorted() {
                #expect(seen[name] != nil, "\(room.name) imports \(name), which does not stand above it")
                if let other = seen[name] { #expect(other.floor <= room.floor, "\(room.name) imports \(name)") }
            }
            seen[room.name] = room
        }
    }

    @Test("every folder of Sources is a room of the table, and the other way round")
    func roomsAreFolders() {
        #expect(SourceTree.folders(in: "Sources") == Set(Room.all.map(\.name)))
    }

    @Test("a room imports what its row allows", arguments: Room.all)
    func importsAreAllowed(_ room: Room) {
        for file in SourceTree.files(under: "Sources/\(room.name)", ["swift"]) {
            for name in file.imports {
                #expect(room.rooms.contains(name) || room.others.contains(name), "\(file.path) imports \(name)")
            }
        }
    }

    @Test("the manifest declares what a room imports, and nothing else")
    func manifestAgrees() throws {
        let manifest = try Manifest()
        let rooms = Set(Room.all.map(\.name))
        for room in Room.all where room.floor > .shims {
            let imported = Set(SourceTree.files(under: "Sources/\(room.name)", ["swift"]).flatMap(\.imports))
            let declared = try #require(manifest.dependencies[room.name], "\(room.name) is no target of Package.swift")
            #expect(declared.intersection(rooms) == imported.intersection(rooms), "\(room.name) in Package.swift")
        }
    }

    @Test("only the rooms Network and SASL know OpenSSL")
    func openSSLStaysInItsRooms() {
        for file in SourceTree.files(under: "Sources", ["swift"]) where !["Network", "SASL"].contains(file.room) {
            #expect(!file.imports.contains { $0.contains("OpenSSL") }, "\(file.path)")
        }
    }

    @Test("imports are found in all their spellings")
    func importsAreRead() {
        let text = """
            public import XML
            @preconcurrency internal import struct Kernel.XEP
            // import Foundation
            let text = "import Foundation"
            @testable import Modules
            """
        #expect(SourceFile(path: "Sources/A/B.swift", text: text).imports == ["XML", "Kernel", "Modules"])
    }
}

/// What `Package.swift` says of its targets.
struct Manifest {
    /// By target: the names in quotes in its declaration, products of packages among them.
    let dependencies: [String: Set<String>]

    init() throws {
        let text = try #require(SourceTree.text("Package.swift"))
        var dependencies: [String: Set<String>] = [:]
        let declaration = #/^ {8}(?:room|tests|\.target|\.executableTarget|\.systemLibrary)\(/#.anchorsMatchLineEndings()
        let starts = text.matches(of: declaration).map(\.range.upperBound)
        for (start, next) in zip(starts, starts.dropFirst() + [text.endIndex]) {
            let end = text[start..<next].firstRange(of: "\n    ]")?.lowerBound ?? next
            let names = text[start..<end].matches(of: #/"([A-Za-z0-9-]+)"/#).map { String($0.1) }
            if let name = names.first { dependencies[name] = Set(names.dropFirst()) }
        }
        self.dependencies = dependencies
    }
}
