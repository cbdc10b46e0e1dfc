import Resolver
import Testing

@testable import xmppctl

@Suite(.timeLimit(.minutes(5)))
struct DNSTests {
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
