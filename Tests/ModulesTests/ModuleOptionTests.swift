import Kernel
import Testing

@testable import Configuration
@testable import Modules

@Suite("The options that modules read are those of the table", .timeLimit(.minutes(1)))
struct ModuleOptionTests {
    @Test("each key has its row, of the same type and with the same default", arguments: Catalog.modules.map { $0.name })
    func keysFitTheirRows(_ name: String) throws {
        for type in Catalog.modules where type.name == name {
            for place in Self.places(of: type) { #expect(Self.misfits(type, place).isEmpty) }
        }
    }

    @Test("each option that is said to be in effect is read", arguments: Catalog.modules.map { $0.name })
    func optionsInEffectAreRead(_ name: String) throws {
        for type in Catalog.modules where type.name == name {
            for place in Self.places(of: type) {
                let read = Self.paths(type)
                let rows = OptionTable.rows.filter {
                    $0.path.hasPrefix(place + ".") && $0.state == .inEffect && $0.kind != .section
                }
                for row in rows { #expect(read.contains(String(row.path.dropFirst(place.count + 1))), "\(row.path)") }
            }
        }
    }

    private static func places(of type: any Module.Type) -> [String] { ([type.name] + type.oldNames).map { "modules.\($0)" } }

    private static func misfits<Some: Module>(_ type: Some.Type, _ place: String) -> [String] {
        Some.Options.keys.flatMap { $0.misfits(place) }
    }

    private static func paths<Some: Module>(_ type: Some.Type) -> Set<String> { Set(Some.Options.keys.flatMap(\.paths)) }
}
