import Testing
import XML

@Suite(.timeLimit(.minutes(5)))
struct ElementWriterTests {
    private func rendered(_ element: Element, _ context: String = "jabber:client") -> String {
        String(decoding: element.rendered(within: context), as: UTF8.self)
    }

    @Test func defaultNamespaces() {
        let element = Element(
            "iq", "jabber:client", ["id": "1"],
            [Element("query", "x", [:], [Element("item", "x"), Element("iq", "jabber:client")])])
        #expect(rendered(element) == "<iq id='1'><query xmlns='x'><item/><iq xmlns='jabber:client'/></query></iq>")
        #expect(
            rendered(element, "")
                == "<iq xmlns='jabber:client' id='1'><query xmlns='x'><item/><iq xmlns='jabber:client'/></query></iq>")
        #expect(rendered(Element("a", "")) == "<a xmlns=''/>")
        #expect(rendered(Element("a", ""), "") == "<a/>")
        #expect(rendered(Element("a", "it's & <more>")) == "<a xmlns='it&apos;s &amp; &lt;more&gt;'/>")
    }

    @Test func escapes() {
        #expect(
            rendered(Element("a", "jabber:client", ["b": "<>&'\"\t\n\r"], text: "<>&'\"\t\n\r"))
                == "<a b='&lt;&gt;&amp;&apos;&quot;&#9;&#10;&#13;'>&lt;>&amp;'\"\t\n&#13;</a>")
        #expect(rendered(Element("a", "jabber:client", text: "]]>")) == "<a>]]&gt;</a>")
        #expect(rendered(Element("a", "jabber:client", text: "]>>]]>>")) == "<a>]>>]]&gt;></a>")
        #expect(rendered(Element("a", "jabber:client", text: "ü€😀")) == "<a>ü€😀</a>")
    }

    /// What XML cannot say becomes the replacement character: the reader must not lose its stream for it.
    @Test func charactersThatXMLDoesNotHave() {
        #expect(
            rendered(Element("a", "jabber:client", ["b": "\u{0}\u{1f}"], text: "x\u{1}y\u{b}\u{7f}"))
                == "<a b='\u{fffd}\u{fffd}'>x\u{fffd}y\u{fffd}\u{7f}</a>")
    }

    /// The scan looks at several bytes at once: every special byte at every place of texts of every length.
    @Test(arguments: Array("&<>'\"\t\n\r\u{1}".utf8)) func escapesAtEveryPlace(_ special: UInt8) {
        for length in 1...20 {
            for place in 0..<length {
                for filler in Array("x =?;~%#".utf8) {
                    var bytes = Array(repeating: filler, count: length)
                    bytes[place] = special
                    let text = String(decoding: bytes, as: UTF8.self)
                    let expected = text.unicodeScalars.map { escaped($0) }.joined()
                    #expect(rendered(Element("a", "jabber:client", ["b": text])) == "<a b='\(expected)'/>")
                }
            }
        }
    }

    private func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "'": "&apos;"
        case "\"": "&quot;"
        case "\t": "&#9;"
        case "\n": "&#10;"
        case "\r": "&#13;"
        case "\u{1}": "\u{fffd}"
        default: String(scalar)
        }
    }

    @Test func replacedAttributes() {
        let element = Element(
            "m", "jabber:client", ["from": "x", "id": "1", "to": "y"], [Element("m", "jabber:client", ["from": "z"])])
        func written(_ replacing: KeyValuePairs<String, String?>) -> String {
            var writer = ElementWriter()
            writer.write(element, within: "jabber:client", replacing: replacing)
            return String(decoding: writer.finish(), as: UTF8.self)
        }
        #expect(written([:]) == "<m from='x' id='1' to='y'><m from='z'/></m>")
        #expect(written(["from": "a&b"]) == "<m id='1' to='y' from='a&amp;b'><m from='z'/></m>")
        #expect(written(["from": nil, "to": nil, "new": "n"]) == "<m id='1' new='n'><m from='z'/></m>")
    }

    @Test func addresses() {
        let element = Element(
            "m", "jabber:client", ["from": "x", "form": "f", "t": "t", "ot": "o", "to": "y"],
            [Element("m", "jabber:client", ["to": "z"])])
        var writer = ElementWriter(reserving: 0)
        writer.write(element, within: "jabber:client", addressed: { $0.raw(" to='q'") })
        #expect(String(decoding: writer.finish(), as: UTF8.self) == "<m form='f' t='t' ot='o' to='q'><m to='z'/></m>")
    }

    @Test func outputGrows() {
        var writer = ElementWriter(reserving: 1)
        var expected = ""
        for number in 0..<200 {
            writer.raw("<a>")
            writer.raw(Array(String(number).utf8))
            writer.escaped("&\(number)<")
            expected += "<a>\(number)&amp;\(number)&lt;"
        }
        #expect(writer.output == Array(expected.utf8))
        #expect(writer.finish() == Array(expected.utf8))
        let long = String(repeating: "<&>", count: 10_000)
        #expect(rendered(Element("a", "jabber:client", text: long)).utf8.count == 7 + 10 * 10_000)
    }
}
