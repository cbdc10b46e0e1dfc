import Network
import XML
import XMPP

/// What a script says of a stanza: the attributes that it names must be there with their values (`*`: whichever; empty: not
/// there), the children must be those, in their order, with their text; `...` as text stands for whatever it contains.
@LoopActor
struct ScenarioTemplate {
    private let element: Element?
    let text: String

    init(_ text: String) {
        element = try? Self.element(text)
        self.text = text
    }

    /// Read as a client's stream reads it.
    static func element(_ text: String) throws -> Element {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBytes { try ElementParser().element($0, in: .client, limits: Limits(bytes: .max)) }
    }

    /// In what the stanza is not as it should be; nil: in nothing.
    func difference(from stanza: Element) -> String? {
        guard let element else { return "\(text) is no XML" }
        return Self.difference(element, stanza)
    }

    private static func difference(_ template: Element, _ stanza: Element) -> String? {
        guard template.name == stanza.name, template.namespace == stanza.namespace else {
            return "expected <\(template.name) xmlns='\(template.namespace)'>"
        }
        for (name, value) in template.attributes {
            let actual = stanza[name]
            guard value == "*" ? actual != nil : actual ?? "" == value else {
                return "expected \(name)='\(value)' in <\(template.name)/>, not '\(actual ?? "")'"
            }
        }
        if template.text == "...", template.firstChild == nil { return nil }
        let (expected, actual) = (Array(template.children), Array(stanza.children))
        guard expected.count == actual.count else { return "expected \(expected.count) children in <\(template.name)/>" }
        if expected.isEmpty, template.text != stanza.text { return "expected the text '\(template.text)' in <\(template.name)/>" }
        for (one, other) in zip(expected, actual) { if let difference = difference(one, other) { return difference } }
        return nil
    }
}
