import SASL
import Testing

@Suite("Base 64", .timeLimit(.minutes(5)))
struct Base64Tests {
    @Test(
        "RFC 4648 §10",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, coded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == coded)
        #expect(Base64.decode(coded) == Array(plain.utf8))
    }

    @Test("Every byte and every length comes back")
    func roundTrip() {
        let all = (0...255).map { UInt8($0) }
        for length in 0...all.count {
            let bytes = Array(all.suffix(length))
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test(
        "Anything but the one right spelling is refused",
        arguments: [
            "=", "==", "====", "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "Z===", "Zg==Zg==", "Zm9v ", " Zm9v", "Zm\n9",
            "Zm9v\n", "Zm-_", "Zm9\u{e9}", "=m9v", "Z=9v", "Zm=v", "Zm9v=", "\0\0\0\0",
        ])
    func refused(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
