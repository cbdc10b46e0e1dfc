import IPC
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ProgramVersionsTests {
    @Test func aLineComesBack() {
        let worker = ProgramVersions(segment: 2), master = ProgramVersions(segment: 2, state: 1)
        #expect(worker.description == "xmppd \(ServerVersion.number) contract=\(contractVersion) mesh=\(meshVersion) segment=2")
        #expect(ProgramVersions("\(worker)\n") == worker)
        #expect(ProgramVersions(master.description) == master)
        #expect(ProgramVersions("xmppd 9.0 contract=4 mesh=1 segment=2 future=7")?.contract == 4)
    }

    @Test(arguments: [
        "", "xmppd", "xmppd 0.1.0", "prosody 0.12 contract=3 mesh=1 segment=2", "xmppd 1 contract=3 mesh=1",
        "xmppd 1 contract=99999 mesh=1 segment=2", "xmppd 1 contract=3 mesh=1 segment", "usage: xmppd",
    ])
    func anythingElseIsNone(line: String) { #expect(ProgramVersions(line) == nil) }

    @Test func aDifferenceIsNamed() {
        let ours = ProgramVersions(server: "1", contract: 3, mesh: 1, segment: 2, state: 1)
        var other = ours
        #expect(other.objection(ours: ours) == nil)
        other.server = "2"
        #expect(other.objection(ours: ours) == nil)
        other.contract = 4
        other.segment = 9
        #expect(
            other.objection(ours: ours)
                == "it is xmppd 2 and speaks version 4 of the contract between the processes, not 3 and version 9 of the shared memory, not 2"
        )
        other = ours
        other.state = nil
        #expect(other.objection(ours: ours)?.contains("version none of the master's state, not 1") == true)
    }
}
