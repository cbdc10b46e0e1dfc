import SASL
import Testing

@Suite("PLAIN", .timeLimit(.minutes(5)))
struct PlainTests {
    private func start(_ message: String) -> SASLExchange.Action? {
        var plain = exchange(.plain)
        return plain.handle(.initialResponse(bytes(message)))
    }

    @Test("The right password, with the first message or asked for it")
    func success() {
        for isAsked in [false, true] {
            var plain = exchange(.plain)
            #expect(!plain.isWaiting)
            if isAsked { #expect(plain.handle(.initialResponse(nil)) == .challenge([])) }
            let message = bytes("\0Romeo\0pencil")
            #expect(
                plain.handle(isAsked ? .response(message) : .initialResponse(message))
                    == .verifyPassword(user: "romeo", Password(prepared: "pencil")))
            #expect(plain.isWaiting)
            #expect(plain.handle(.verdict(.accepted)) == .success(user: "romeo", additionalData: nil))
            #expect(plain.handle(.verdict(.rejected)) == nil)
        }
    }

    @Test("What the password check says is what the client is told")
    func verdicts() {
        for (verdict, expected) in [
            (SASLExchange.PasswordVerdict.rejected, SASLFailure.Condition.notAuthorized),
            (.temporarilyUnavailable, .temporaryAuthFailure),
        ] {
            var plain = exchange(.plain)
            _ = plain.handle(.initialResponse(bytes("\0romeo\0pencil")))
            #expect(condition(plain.handle(.verdict(verdict))) == expected)
            #expect(plain.handle(.verdict(.accepted)) == nil)
        }
    }

    @Test(
        "What is no message of RFC 4616",
        arguments: ["", "\0", "\0\0", "romeo\0pencil", "\0\0pencil", "\0romeo\0", "\0romeo\0pen\0cil", "\0romeo\0pencil\0"])
    func malformed(message: String) {
        #expect(condition(start(message)) == .malformedRequest)
    }

    @Test("Bytes that are no UTF-8, and too many")
    func badBytes() {
        var plain = exchange(.plain)
        #expect(condition(plain.handle(.initialResponse([0, 0xC3, 0, 0x41]))) == .malformedRequest)
        plain = exchange(.plain)
        let long = bytes("\0romeo\0") + [UInt8](repeating: 0x41, count: SASLExchange.messageLimit)
        #expect(condition(plain.handle(.initialResponse(long))) == .malformedRequest)
    }

    @Test("One may act for oneself only")
    func identity() {
        #expect(
            start("romeo@example.net\0romeo\0pencil") == .verifyPassword(user: "romeo", Password(prepared: "pencil")))
        #expect(condition(start("juliet@example.net\0romeo\0pencil")) == .invalidAuthzid)
    }

    @Test("Names and passwords that nobody can have are refused like wrong ones")
    func impossible() {
        #expect(start("\0ro@meo\0pencil") == .failure(.notAuthorized))
        #expect(start("\0romeo\0pen cil") == .failure(.notAuthorized))
    }

    @Test("Abort, whenever it comes")
    func abort() {
        var plain = exchange(.plain)
        _ = plain.handle(.initialResponse(nil))
        #expect(plain.handle(.abort) == .failure(.aborted))
        #expect(plain.handle(.response(bytes("\0romeo\0pencil"))) == nil)
    }

    @Test("An answer to no question costs the exchange")
    func unasked() {
        var plain = exchange(.plain)
        #expect(condition(plain.handle(.verdict(.accepted))) == .temporaryAuthFailure)
        plain = exchange(.plain)
        _ = plain.handle(.initialResponse(bytes("\0romeo\0pencil")))
        #expect(condition(plain.handle(.credentials(.notFound, nonce: nonce))) == .temporaryAuthFailure)
    }
}
