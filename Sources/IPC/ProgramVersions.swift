/// What a program speaks, so that a newer one is asked before anything is stopped for it. Workers of two programs serve
/// side by side in a rolling restart, so all of this must be equal.
///
/// `xmppd 0.1.0 contract=3 mesh=1 segment=2 state=1`
public struct ProgramVersions: Sendable, Equatable, CustomStringConvertible {
    /// Of the server; it may differ.
    public var server: String
    public var contract: UInt16
    public var mesh: UInt16
    /// Of the layout of the shared segment.
    public var segment: UInt32
    /// Of what one image of the master leaves to the next; nil for the worker program.
    public var state: UInt16?

    public init(
        server: String = ServerVersion.number, contract: UInt16 = contractVersion, mesh: UInt16 = meshVersion, segment: UInt32,
        state: UInt16? = nil
    ) {
        self.server = server
        self.contract = contract
        self.mesh = mesh
        self.segment = segment
        self.state = state
    }

    public var description: String {
        let line = "\(ServerVersion.name) \(server) contract=\(contract) mesh=\(mesh) segment=\(segment)"
        return state.map { "\(line) state=\($0)" } ?? line
    }

    /// - Returns: nil unless it is such a line; words of later versions are skipped.
    public init?(_ line: String) {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
        guard words.count >= 2, words[0] == ServerVersion.name else { return nil }
        var numbers: [String: UInt32] = [:]
        for word in words.dropFirst(2) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            numbers[String(parts[0])] = UInt32(parts[1])
        }
        guard let contract = numbers["contract"].flatMap(UInt16.init(exactly:)),
            let mesh = numbers["mesh"].flatMap(UInt16.init(exactly:)), let segment = numbers["segment"]
        else { return nil }
        self.init(
            server: words[1], contract: contract, mesh: mesh, segment: segment,
            state: numbers["state"].flatMap(UInt16.init(exactly:)))
    }

    /// Why a program with these versions cannot serve beside one with ours; nil if it can.
    public func objection(ours: ProgramVersions) -> String? {
        var differences: [String] = []
        if contract != ours.contract {
            differences.append("version \(contract) of the contract between the processes, not \(ours.contract)")
        }
        if mesh != ours.mesh { differences.append("version \(mesh) of the mesh, not \(ours.mesh)") }
        if segment != ours.segment { differences.append("version \(segment) of the shared memory, not \(ours.segment)") }
        if let state = ours.state, self.state != state {
            differences.append("version \(self.state.map { "\($0)" } ?? "none") of the master's state, not \(state)")
        }
        return differences.isEmpty ? nil : "it is xmppd \(server) and speaks " + differences.joined(separator: " and ")
    }
}
