internal import Kernel
internal import XML
internal import XMPP

/// The words of service discovery on the wire (XEP-0030 §3, §4).
enum DiscoXML {
    static let info = "http://jabber.org/protocol/disco#info"
    static let items = "http://jabber.org/protocol/disco#items"

    /// Identities and features of an entity; equal ones appear once.
    static func info(
        node: String? = nil, _ identities: [Features.Identity], _ features: Set<String>, _ forms: [Element] = []
    ) -> Element {
        let who = unique(identities).map { Element("identity", info, ["category": $0.category, "type": $0.type, "name": $0.name]) }
        let what = features.sorted().map { Element("feature", info, ["var": $0]) }
        return Element("query", info, ["node": node], who + what + forms)
    }

    static func items(node: String? = nil, _ items: [(jid: String, name: String?)] = []) -> Element {
        Element("query", self.items, ["node": node], items.map { Element("item", self.items, ["jid": $0.jid, "name": $0.name]) })
    }

    /// There must not be two identities of the same category and type with different names (XEP-0030 §3.1): the first counts.
    static func unique(_ identities: [Features.Identity]) -> [Features.Identity] {
        var result: [Features.Identity] = []
        for identity in identities
        where !result.contains(where: { $0.category == identity.category && $0.type == identity.type }) {
            result.append(identity)
        }
        return result
    }

    /// An extended answer (XEP-0128): a form whose `FORM_TYPE` is `type`.
    static func form(_ type: String, _ fields: [(name: String, values: [String])]) -> Element {
        DataForm(.result, formType: type, fields.map { .init($0.name, type: "list-multi", $0.values) }).element
    }
}
