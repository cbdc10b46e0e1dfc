import Testing
import XML

@Suite(.timeLimit(.minutes(5)))
struct ElementTests {
    private let message = Element(
        "message", "jabber:client", ["id": "1", "to": "a@b", "type": nil, "xml:lang": "en"],
        [
            Element("body", "jabber:client", text: "hi"),
            Element("x", "urn:x", ["a": "b"], [Element("y", "urn:x"), Element("y", "urn:y", text: "z")]),
            Element("body", "jabber:client", ["xml:lang": "de"], text: "hallo"),
        ])

    @Test func names() {
        #expect(message.name == "message")
        #expect(message.namespace == "jabber:client")
        #expect(message.is("message", "jabber:client"))
        #expect(!message.is("message", "jabber:server"))
        #expect(!message.is("messages", "jabber:client"))
        #expect(message.isNamed("message"))
        #expect(!message.isNamed("messag"))
        #expect(message.isIn("jabber:client"))
        #expect(!message.isIn(""))
        #expect(Element("a", "").isIn(""))
    }

    @Test func attributes() {
        #expect(message["id"] == "1")
        #expect(message["type"] == nil)
        #expect(message["lang"] == nil)
        #expect(message.attribute("to", equals: "a@b"))
        #expect(!message.attribute("to", equals: "a@bc"))
        #expect(!message.attribute("type", equals: ""))
        #expect(message.attributes.map(\.name) == ["id", "to", "xml:lang"])
        #expect(Element("a", "b", ["c": ""])["c"] == "")
    }

    @Test func children() {
        #expect(message.children.map(\.name) == ["body", "x", "body"])
        #expect(message.firstChild?.text == "hi")
        #expect(message.child("body")?.text == "hi")
        #expect(message.child("x") == nil)
        #expect(message.child("x", "urn:x")?["a"] == "b")
        #expect(message.child("x", "urn:x")?.child("y")?.text == "")
        #expect(message.child("x", "urn:x")?.child("y", "urn:y")?.text == "z")
        #expect(message.child(in: "urn:x")?.name == "x")
        #expect(message.has("x", "urn:x"))
        #expect(!message.has("y", "urn:x"))
        #expect(Element("a", "b").firstChild == nil)
        #expect(message.contents.count == 3)
    }

    @Test func textIsOnlyItsOwn() {
        let mixed = Element(
            "a", "n", attributes: [],
            contents: [.text("1"), .text("2"), .element(Element("b", "n", text: "no")), .text("3")])
        #expect(mixed.text == "123")
        #expect(mixed.child("b")?.text == "no")
        #expect(mixed.description == "<a xmlns='n'>12<b>no</b>3</a>")
        #expect(mixed.contents == [.text("12"), .element(Element("b", "n", text: "no")), .text("3")])
    }

    /// Text that came after an element used to be added to that element's text.
    @Test func textAfterAChildIsNotTheChilds() throws {
        let parser = ElementParser()
        let text = Array("<message><body>hi</body>\n</message>".utf8)
        let element = try text.withUnsafeBytes { try parser.element($0, in: .client, limits: Limits(bytes: 100)) }
        #expect(element.child("body")?.text == "hi")
        #expect(element.text == "\n")
        let made = Element("a", "n", attributes: [], contents: [.element(Element("b", "n", text: "x")), .text("y")])
        #expect(made.child("b")?.text == "x")
    }

    @Test func changedCopies() {
        let changed = message.setting("id", to: "2").setting("to", to: nil).setting("type", to: "chat")
        #expect(changed.attributes.map(\.name) == ["xml:lang", "id", "type"])
        #expect(changed["id"] == "2")
        #expect(changed.contents == message.contents)
        #expect(message["id"] == "1")
        let emptied = message.replacingContents([.text("t")])
        #expect(emptied.description == "<message xmlns='jabber:client' id='1' to='a@b' xml:lang='en'>t</message>")
    }

    @Test func equality() {
        #expect(Element("a", "n", ["x": "1", "y": "2"]) == Element("a", "n", ["y": "2", "x": "1"]))
        #expect(Element("a", "n", ["x": "1"]) != Element("a", "n", ["x": "2"]))
        #expect(Element("a", "n", ["x": "1"]) != Element("a", "n"))
        #expect(Element("a", "n") != Element("a", "m"))
        #expect(Element("a", "n") != Element("b", "n"))
        #expect(Element("a", "n", text: "x") != Element("a", "n"))
        #expect(message == message.setting("id", to: "2").setting("id", to: "1"))
        #expect(Set([Element("a", "n", ["x": "1", "y": "2"]), Element("a", "n", ["y": "2", "x": "1"])]).count == 1)
        #expect(
            message.child("x", "urn:x")
                == Element("x", "urn:x", ["a": "b"], [Element("y", "urn:x"), Element("y", "urn:y", text: "z")]))
    }

    /// A part of one tape goes into another, with the namespaces it shares with what is not copied.
    @Test func partsOfOthersAsChildren() throws {
        let parser = ElementParser()
        let text = Array("<m><a><b xmlns='1'><c>t</c><d xmlns='2' e='f'/></b>u</a></m>".utf8)
        let element = try text.withUnsafeBytes { try parser.element($0, in: .client, limits: Limits(bytes: 100)) }
        for part in [element, try #require(element.child("a")), try #require(element.child("a")?.child("b", "1"))] {
            let outer = Element("o", "jabber:client", ["p": "q"], [part, Element("last", "2"), part])
            #expect(Array(outer.children) == [part, Element("last", "2"), part])
            #expect(Element("oo", "x", [:], [outer]).firstChild == outer)
        }
    }

    /// Nothing that a program puts into names may tear the tape.
    @Test func endlessNames() {
        let long = String(repeating: "n", count: 70_000)
        let element = Element(long, long, [long[...].description: "v"], [Element("b", long, text: "t")])
        #expect(element.children.map(\.name) == ["b"])
        #expect(element.child("b")?.text == "t")
        #expect(element.attributes.count == 1)
        #expect(element.name.utf8.count < 70_000)
    }
}
