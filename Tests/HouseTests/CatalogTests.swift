import Configuration
import Kernel
import Modules
import Testing

@Suite("The catalog of modules", .timeLimit(.minutes(5)))
struct CatalogTests {
    private static let listed = Catalog.modules.map { "\($0)" }

    @Test("it has every class that is a module, once")
    func catalogIsComplete() {
        let declared = SourceTree.files(under: "Sources/Modules", ["swift"]).flatMap(\.types).filter { type in
            let conformances = type.line.split(separator: ":", maxSplits: 1).dropFirst().first ?? ""
            return conformances.split { !$0.isLetter }.contains("Module")
        }.map(\.name)
        #expect(declared.sorted() == Self.listed.sorted())
    }

    @Test("no two modules have the same name, and each has its row among the options")
    func namesAreKnown() {
        let names = Catalog.modules.map { $0.name }
        #expect(Set(names).count == names.count)
        let known = Set(OptionTable.moduleNames)
        for name in names { #expect(known.contains(name), "\(name) is in the catalog, but cannot be configured") }
    }

    @Test("the example loads every module")
    func exampleIsComplete() throws {
        let example = try #require(SourceTree.text("etc/xmppd.toml"))
        for module in Catalog.modules {
            #expect(example.contains("[modules.\(module.name)]"), "\(module.name) is not in etc/xmppd.toml")
        }
    }
}
