import Testing

@testable import xmppctl

@Suite(.timeLimit(.minutes(5)))
struct DNSTests {
    /// A message with one question and one answer, whose name points to that of the question.
    private static func message(_ type: UInt8, _ data: [UInt8]) -> [UInt8] {
        let question: [UInt8] = [1, 97, 3, 111, 114, 103, 0, 0, type, 0, 1]
        let answer: [UInt8] = [0xC0, 12, 0, type, 0, 1, 0, 0, 14, 16, 0, UInt8(data.count)] + data
        return [0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + question + answer
    }

    @Test func recordsAreRead() {
        #expect(DNSMessage(Self.message(1, [192, 0, 2, 7])).answers(.ipv4) == [.address("192.0.2.7")])
        let ipv6: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9]
        #expect(DNSMessage(Self.message(28, ipv6)).answers(.ipv6) == [.address("2001:db8::9")])
        let service = DNSMessage(Self.message(33, [0, 5, 0, 0, 0x14, 0x66, 1, 120, 0xC0, 12]))
        #expect(service.answers(.service) == [.service(priority: 5, weight: 0, port: 5222, target: "x.a.org")])
        #expect(service.answers(.ipv4) == [])
        #expect(
            DNSMessage(Self.message(33, [0, 0, 0, 0, 0, 0, 0])).answers(.service) == [
                .service(priority: 0, weight: 0, port: 0, target: ".")
            ])
    }

    /// Whatever is cut off or points in circles is no message, and ends nothing.
    @Test func damagedMessagesAreNone() {
        let whole = Self.message(33, [0, 5, 0, 0, 0x14, 0x66, 1, 120, 0xC0, 12])
        for length in 0..<whole.count { #expect(DNSMessage(Array(whole.prefix(length))).answers(.service) == nil, "\(length)") }
        var circle = whole
        circle.replaceSubrange((whole.count - 2)..., with: [0xC0, UInt8(whole.count - 2)])
        #expect(DNSMessage(circle).answers(.service) == nil)
        #expect(DNSMessage(Self.message(1, [1, 2, 3])).answers(.ipv4) == nil)
    }

    @Test(arguments: ["", "localhost", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.256", "192.0.02.1", "::1", "1.2.3"])
    func otherNameServersAreRefused(_ text: String) {
        let run = xmppctl(["setup", "--domain", "localhost", "--nameserver", text])
        #expect(run.status == 64 && run.errors.contains("expected an IPv4 address"), "\(run)")
    }

    @Test func addressesOfPrivateNetsAreNoneForOthers() {
        for bytes: [UInt8] in [
            [10, 1, 2, 3], [127, 0, 0, 1], [172, 20, 0, 1], [192, 168, 1, 1], [169, 254, 0, 1], [100, 64, 0, 1],
        ] {
            #expect(!InternetAddress.isPublic(bytes))
        }
        for bytes: [UInt8] in [[9, 9, 9, 9], [172, 32, 0, 1], [192, 169, 0, 1], [100, 128, 0, 1]] {
            #expect(InternetAddress.isPublic(bytes))
        }
    }
}
