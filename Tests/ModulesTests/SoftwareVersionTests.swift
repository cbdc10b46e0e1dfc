import Kernel
import Network
import Testing
import XML

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct SoftwareVersionTests {
    init() { StageLoop.start() }

    @Test(arguments: [false, true]) @LoopActor func serverAnswers(_ isSystemTold: Bool) async throws {
        let stage = try await Stage("[modules.mod_version]\n  os_info = \(isSystemTold)", [SoftwareVersion.self])
        let alice = try await stage.client("alice")
        let query = try await alice.ask("get", to: "example.org", "<query xmlns='jabber:iq:version'/>").firstChild
        #expect(query?.child("name")?.text == "xmppd")
        #expect(query?.child("version")?.text.isEmpty == false)
        #expect(query?.has("os") == isSystemTold)
        if isSystemTold { #expect(query?.child("os")?.text.hasPrefix("Linux ") == true) }
    }
}
