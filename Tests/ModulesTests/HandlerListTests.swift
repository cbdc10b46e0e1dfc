import Foundation
import Network
import Testing

@testable import Kernel
@testable import Modules

/// What a client can ask for or say, of all modules: `Tests/Fuzz/turn_bound.py` sends each with the worst content. A handler that is
/// new is found here, and is written into the list with `XMPPD_WRITE_HANDLERS=1`.
@Suite("The list of handlers", .timeLimit(.minutes(1)))
struct HandlerListTests {
    init() { StageLoop.start() }

    private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/handlers.json")

    @Test("has all that the modules have registered") @LoopActor
    func isComplete() async throws {
        let named = Catalog.modules.filter { $0.name != "mod_mam" }.map { "[modules.\($0.name)]\n" }.joined()
        let stage = try await Stage("[modules.mod_mam.pm]\n" + named, Catalog.modules)
        let host = stage.host()
        let requests = Set(host.iq.handlers.keys.map { ["iq", $0.name, $0.namespace] })
        let extensions = Set(host.extensionNamespaces.map { ["extension", "a", $0] })
        let rows = (Array(requests) + Array(extensions)).sorted { $0.joined(separator: " ") < $1.joined(separator: " ") }
        #expect(requests.count >= 15 && extensions.count >= 2)
        let lines = rows.map { row in "  [" + row.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        let text = "[\n" + lines.joined(separator: ",\n") + "\n]\n"
        if ProcessInfo.processInfo.environment["XMPPD_WRITE_HANDLERS"] == "1" {
            try text.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: Self.path, encoding: .utf8) == text, "XMPPD_WRITE_HANDLERS=1 writes it anew")
    }
}
