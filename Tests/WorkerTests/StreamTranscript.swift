import Glibc
import TestKit

/// A client that reads what a worker writes as bytes and keeps all of it, to be compared with what is expected.
final class StreamTranscript {
    let socket: TCPSocket
    private(set) var heard = ""

    init(port: UInt16) throws { socket = try TCPSocket(port: port) }

    func say(_ text: String) throws { try socket.send(Array(text.utf8)) }

    /// Says it in pieces of so many bytes, each of which the worker may read by itself.
    func say(_ text: String, by size: Int) throws {
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try socket.send(Array(bytes[start..<min(start + size, bytes.count)]))
        }
    }

    /// Reads until the text ends so, or the connection does. What has come since the last call, with each random stream id
    /// as `ID`.
    func hear(until end: String? = nil) throws -> String {
        let deadline = Deadline(seconds: 10)
        var text = ""
        while end.map({ !text.hasSuffix($0) }) ?? true {
            guard let bytes = socket.receive(deadline) else { throw TestFailure("waited in vain behind \(text)") }
            if bytes.isEmpty {
                if end != nil { throw TestFailure("the end came behind \(text)") }
                socket.shutdownSending()
                break
            }
            text += String(decoding: bytes, as: UTF8.self)
        }
        return Self.plain(text)
    }

    /// Everything until the connection ends, as it comes.
    func hearBytes() throws -> [UInt8] {
        let deadline = Deadline(seconds: 10)
        var heard: [UInt8] = []
        while let bytes = socket.receive(deadline) {
            if bytes.isEmpty {
                socket.shutdownSending()
                return heard
            }
            heard += bytes
        }
        throw TestFailure("waited in vain for the end behind \(heard.count) bytes")
    }

    /// Random ids are 20 characters between quotation marks.
    static func plain(_ text: String) -> String {
        text.replacing(#/ id='[23456789a-z]{20}'/#, with: " id='ID'")
    }
}

/// What client and server of a transcript write.
enum Lines {
    static let header =
        "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    static let answer =
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='ID' from='localhost' version='1.0' xml:lang='en'>"
    static let answerToRomeo = answer.replacing("from='localhost'", with: "from='localhost' to='romeo@localhost'")
    static let footer = "</stream:stream>"
    static let features =
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-512</mechanism><mechanism>SCRAM-SHA-384</mechanism><mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-224</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
    /// PLAIN of romeo with his password.
    static let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHNlY3JldA==</auth>"
    static let success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
    static let bind =
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>"
}
