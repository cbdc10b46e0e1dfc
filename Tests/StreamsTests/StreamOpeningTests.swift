import SASL
import Streams
import Testing
import XML
import XMPP

@Suite("Stream headers (RFC 6120 §4)", .timeLimit(.minutes(5)))
struct StreamOpeningTests {
    @Test("A good header is answered by a header and the features")
    func good() {
        var conversation = Conversation()
        #expect(
            conversation.handle(.header(header(from: "romeo@example.net"), conversation.offered)) == [
                .open(ResponseHeader(from: "example.net", to: "romeo@example.net")),
                .send(
                    xml(
                        """
                        <features xmlns='http://etherx.jabber.org/streams'><mechanisms xmlns='\(Namespace.sasl)'>\
                        <mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism></mechanisms></features>
                        """)),
                .restartClock,
            ])
        #expect(!conversation.stream.isWaiting && !conversation.stream.isClosed && conversation.stream.address == nil)
    }

    @Test("Every version from 1.0 on", arguments: ["1.0", "1.1", "2.0", "10.0", "01.0", "1.00"])
    func versions(version: String) {
        var conversation = Conversation()
        #expect(end(conversation.handle(.header(header(version: version), conversation.offered))) == nil)
    }

    @Test("No other", arguments: [nil, "", "1", "0.9", "0.0", "1.", ".1", "1.0.0", "-1.0", "x", "1.x", " 1.0"])
    func badVersions(version: String?) {
        var conversation = Conversation()
        #expect(
            conversation.handle(.header(header(version: version), conversation.offered)) == [
                .open(ResponseHeader(from: "example.net", to: nil)), .close(StreamError(.unsupportedVersion)),
            ])
    }

    @Test("Namespaces and the root's name")
    func names() {
        let table: [(StreamHeader, String)] = [
            (header(content: "jabber:server"), "invalid-namespace"),
            (header(content: "urn:x"), "invalid-namespace"),
            (header(streams: "http://etherx.jabber.org/stream"), "invalid-namespace"),
            (header(name: "streams"), "bad-format"),
        ]
        for (header, expected) in table {
            var conversation = Conversation()
            #expect(end(conversation.handle(.header(header, conversation.offered))) == expected)
            #expect(conversation.stream.isClosed)
        }
    }

    @Test("Addresses that are not served here")
    func addresses() {
        let table: [(String?, String)] = [
            (nil, "host-unknown"), ("", "host-unknown"), ("elsewhere.example", "host-unknown"),
            ("romeo@example.net", "host-unknown"), ("a b", "improper-addressing"), ("@", "improper-addressing"),
        ]
        for (address, expected) in table {
            var conversation = Conversation()
            let actions = conversation.handle(.header(header(to: address), nil))
            #expect(end(actions) == expected, "\(address ?? "nil")")
            #expect(actions.first == .open(ResponseHeader(from: "default.example", to: nil)))
        }
    }

    @Test("An address that is none is not repeated")
    func badSender() {
        var conversation = Conversation()
        let actions = conversation.handle(.header(header(from: "@@"), conversation.offered))
        #expect(actions.first == .open(ResponseHeader(from: "example.net", to: nil)))
    }

    @Test("Garbage before the first header: our header, then the error (RFC 6120 §4.9.1.2)")
    func garbage() {
        for (malformed, expected) in [
            (Malformed.notWellFormed, "not-well-formed"), (.restricted, "restricted-xml"),
            (.unsupportedEncoding, "unsupported-encoding"), (.tooBig, "policy-violation"), (.tooDeep, "policy-violation"),
        ] {
            var conversation = Conversation()
            let actions = conversation.handle(.malformed(malformed))
            #expect(actions.first == .open(ResponseHeader(from: "default.example", to: nil)))
            #expect(end(actions) == expected)
        }
    }

    @Test("With hide_service_name garbage gets nothing, but only as the first thing said")
    func hidden() {
        var conversation = Conversation(change: { $0.hidesName = true })
        #expect(conversation.handle(.malformed(.notWellFormed)) == [.drop])
        conversation = .opened(change: { $0.hidesName = true })
        #expect(conversation.handle(.malformed(.notWellFormed)) == [.close(StreamError(.notWellFormed))])
        conversation = .authenticated(change: { $0.hidesName = true })
        #expect(end(conversation.handle(.malformed(.notWellFormed))) == "not-well-formed")
    }

    @Test("Garbage later: the error alone")
    func laterGarbage() {
        for var conversation in [Conversation.opened(), .secured(), .bindable(), .established()] {
            #expect(conversation.handle(.malformed(.restricted)) == [.close(StreamError(.restrictedXML))])
        }
    }

    @Test("No header in time: our header, then the error")
    func silence() {
        var conversation = Conversation()
        #expect(
            conversation.handle(.timeout) == [
                .open(ResponseHeader(from: "default.example", to: nil)), .close(StreamError(.connectionTimeout)),
            ])
    }

    @Test("No step in time")
    func laterSilence() {
        for var conversation in [Conversation.opened(), .secured(), .bindable()] {
            #expect(conversation.handle(.timeout) == [.close(StreamError(.connectionTimeout))])
        }
        var conversation = Conversation.authenticated()
        #expect(end(conversation.handle(.timeout)) == "connection-timeout")
    }

    @Test("The client's end is answered by ours, in every state")
    func footer() {
        for var conversation in [Conversation.opened(), .secured(), .bindable(), .established()] {
            #expect(conversation.handle(.footer) == [.close(nil)])
            #expect(conversation.handle(.footer) == [])
        }
    }

    @Test("A client's stream error ends the stream")
    func theirError() {
        let error = "<error xmlns='\(Namespace.stream)'><not-well-formed xmlns='\(Namespace.streams)'/></error>"
        for var conversation in [Conversation.opened(), .secured(), .bindable(), .established()] {
            #expect(conversation.say(error) == [.close(nil)])
        }
    }

    @Test("The server's end, before and after the header")
    func shutdown() {
        let error = StreamError(.systemShutdown)
        var conversation = Conversation()
        #expect(
            conversation.handle(.close(error)) == [
                .open(ResponseHeader(from: "default.example", to: nil)), .close(error),
            ])
        for var conversation in [Conversation.opened(), .secured(), .bindable(), .established()] {
            #expect(conversation.handle(.close(error)) == [.close(error)])
        }
    }

    @Test("A connection that is gone needs no words")
    func gone() {
        for var conversation in [Conversation(), .opened(), .secured(), .authenticated(), .bindable(), .established()] {
            #expect(conversation.handle(.disconnected) == [.drop])
            #expect(conversation.stream.isClosed)
            #expect(conversation.handle(.disconnected) == [])
        }
    }

    @Test("Framings that do not force an order: a header or an element out of place")
    func outOfPlace() {
        var conversation = Conversation()
        #expect(end(conversation.say("<presence/>")) == "policy-violation")
        for var conversation in [Conversation.opened(), .secured(), .bindable(), .established()] {
            #expect(end(conversation.open()) == "policy-violation")
        }
    }

    @Test("Answers to no question cost this stream")
    func unasked() {
        let events: [Event] = [
            .credentials(.notFound, nonce: nonce), .verdict(.accepted), .bound(orchard), .bindRefused(StanzaError(.conflict)),
            .secured(bindings),
        ]
        for event in events {
            for var conversation in [Conversation.opened(), .secured(), .bindable(), .established()] {
                #expect(conversation.handle(event) == [.close(StreamError(.internalServerError))])
            }
        }
    }
}
