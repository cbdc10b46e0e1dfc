import Testing

@testable import IPC

@Suite struct MeshFrameTests {
    private static let frames: [MeshFrame] = [
        .stanza(connections: [], kind: 0, bytes: []), .stanza(connections: [7], kind: 1, bytes: Array("<message/>".utf8)),
        .stanza(connections: [1, .max, 3], kind: 2, bytes: [0, 255]), .event(topic: "t", user: "u@d", payload: [1, 2]),
        .broadcast(topic: "", domain: "d", payload: []), .close(connection: 9, condition: "reset", text: "é"),
    ]

    @Test(arguments: frames) func whatIsWrittenIsRead(_ frame: MeshFrame) throws {
        #expect(try MeshFrame(decoding: frame.encoded()) == frame)
    }

    /// In place or copied, a stanza frame says the same, whole and cut at every byte.
    @Test(arguments: frames) func aStanzaIsReadInPlace(_ frame: MeshFrame) throws {
        let whole = frame.encoded()
        for length in 0...whole.count {
            let bytes = Array(whole[..<length])
            let copied = try? MeshFrame(decoding: bytes)
            let viewed: MeshFrame? = bytes.withUnsafeBytes { bytes in
                MeshFrame.StanzaView(bytes).map { view in
                    .stanza(
                        connections: (0..<view.count).map { view.connection($0) }, kind: view.kind, bytes: Array(view.bytes))
                }
            }
            if case .stanza = copied { #expect(viewed == copied) } else { #expect(viewed == nil) }
        }
    }
}
