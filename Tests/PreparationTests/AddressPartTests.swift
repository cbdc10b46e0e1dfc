import Testing

@testable import Preparation

@Suite(.timeLimit(.minutes(5))) struct AddressPartTests {
    /// A part that its preparation would make short enough is refused for its length as it came.
    @Test("a part of more than 1023 bytes is refused, whatever it would become")
    func lengthBeforePreparation() {
        let decomposed = String(repeating: "e\u{301}", count: 341)
        #expect(AddressPart.local(decomposed) == String(repeating: "é", count: 341))
        #expect(AddressPart.resource(decomposed) == String(repeating: "é", count: 341))
        #expect(AddressPart.local(decomposed + "a") == nil)
        #expect(AddressPart.resource(decomposed + "a") == nil)
        #expect(AddressPart.local(String(repeating: "ａ", count: 342)) == nil)
        #expect(AddressPart.domain(String(repeating: "a\u{ad}.", count: 300) + "b") == nil)
    }

    /// A capital of two bytes whose small letter has three.
    @Test("a part that preparation makes too long is refused")
    func lengthAfterPreparation() {
        #expect(AddressPart.local(String(repeating: "\u{23a}", count: 341))?.utf8.count == 1023)
        #expect(AddressPart.local(String(repeating: "\u{23a}", count: 342)) == nil)
    }

    @Test("runs of wide characters become narrow as each of them would")
    func widths() {
        #expect(AddressPart.local("ａüＢ") == "aüb")
        #expect(AddressPart.local("\u{ff76}\u{ff9e}") == "\u{30ac}")
        #expect(AddressPart.local("\u{ff76}a\u{ff9e}") == "\u{30ab}a\u{3099}")
        #expect(AddressPart.local("\u{ff71}\u{ff65}") == "\u{30a2}\u{30fb}")
        #expect(AddressPart.local("x\u{1e9b}") == nil)
    }

    @Test(
        "a domain has one form, and one that DNS and TLS use",
        arguments: [
            ("bücher.example", "xn--bcher-kva.example"), ("example.org", "example.org"), ("straße.de", "xn--strae-oqa.de"),
        ])
    func domains(_ name: String, _ ascii: String) {
        #expect(AddressPart.asciiDomain(name) == ascii)
        #expect(AddressPart.domain(ascii) == name)
    }
}
