import Testing

@testable import IPC

@Suite(.timeLimit(.minutes(5))) struct MeshFrameTests {
    private static let frames: [MeshFrame] = [
        .stanza(connections: [], kind: 0, follows: false, bytes: [], ticket: 0),
        .stanza(connections: [7], kind: 1, follows: true, bytes: Array("<message/>".utf8), ticket: .max),
        .stanza(connections: [1, .max, 3], kind: 2, follows: false, bytes: [0, 255], ticket: 1),
        .event(topic: "t", user: "u@d", connections: [1, .max], payload: [1, 2]),
        .broadcast(topic: "", domain: "d", payload: []), .close(connection: 9, condition: "reset", text: "é"),
        .transfer(.claim(ticket: 1, connection: .max, key: "abc")), .transfer(.refused(ticket: 2)),
        .transfer(.snapshot(ticket: 0, connection: 7, contents: [0, 255])), .transfer(.adopted(connection: 1, successor: 2)),
        .transfer(.declined(connection: 3)), .transfer(.flushMarker(connection: 4, owner: 255)),
        .transfer(.flushAck(connection: 5)),
        .transfer(.flushed(successor: 6, slot: 1)), .transfer(.completed(connection: 7)), .confirmed(tickets: []),
        .confirmed(tickets: [1, .max]), .greeting,
        .owned(.frame(OwnedFrame(kind: 1, key: "é", sender: 127, number: .max, hops: 3, payload: [0, 255]))),
        .owned(.refused(OwnedFrame(kind: 255, key: "", sender: 0, number: 1, payload: []))), .owned(.seen(epoch: 1)),
        .owned(.settled(epoch: .max)), .owned(.snapshot(kind: 1, key: "k", number: 2, contents: [0, 255])),
        .owned(.adopted(kind: 1, key: "k", number: 2)), .owned(.declined(kind: 2, key: "k", number: 3)),
        .owned(.returned(kind: 3, key: "", number: 4)), .owned(.handled(sender: 127, numbers: [1, .max])),
    ]

    @Test(arguments: frames) func whatIsWrittenIsRead(_ frame: MeshFrame) throws {
        #expect(try MeshFrame(decoding: frame.encoded()) == frame)
    }

    /// A frame that was cut off is refused, never read as another.
    @Test(arguments: frames) func whatIsCutIsRefused(_ frame: MeshFrame) {
        switch frame {
        case .confirmed, .greeting: break
        case .transfer(.snapshot): return  // its contents are the rest, whatever that is
        case .owned(.frame), .owned(.refused), .owned(.snapshot): return
        case .transfer, .owned: break
        default: return
        }
        let whole = frame.encoded()
        for length in 0..<whole.count {
            #expect(throws: WireError.self) { try MeshFrame(decoding: Array(whole[..<length])) }
        }
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
                        connections: (0..<view.count).map { view.connection($0) }, kind: view.kind,
                        follows: view.follows, bytes: Array(view.bytes), ticket: view.ticket)
                }
            }
            if case .stanza = copied { #expect(viewed == copied) } else { #expect(viewed == nil) }
        }
    }
}
