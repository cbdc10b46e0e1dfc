public import Configuration
public import Kernel
internal import Network
internal import SASL
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0115: the hash of the host's capabilities in the features of each stream, so that clients need not ask each time.
public final class EntityCapabilities: Module {
    public nonisolated static let name = "mod_caps"
    public nonisolated static let implements = [XEP(115, "Entity Capabilities", version: "1.6.0")]

    static let namespace = "http://jabber.org/protocol/caps"
    /// Names the software (XEP-0115 §4).
    private static let node = "https://xmppd.org"

    /// Computed once all modules have declared their features.
    private var verification: String?

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        guard Digest.sha1([]) != nil else {
            Log.warning("the TLS library refuses SHA-1: capabilities are not announced", [Field("host", host.domain)])
            return
        }
        declarations.features.advertise(Self.namespace)
        declarations.features.afterAuthentication.append { [unowned self, unowned host] in
            Element("c", Self.namespace, ["hash": "sha-1", "node": Self.node, "ver": verification(of: host)])
        }
    }

    private func verification(of host: Host) -> String {
        if let verification { return verification }
        let made = CapabilityHash.verification(of: host.discoInfo()) ?? ""
        verification = made
        return made
    }
}

extension EntityCapabilities: DiscoNodes {
    func info(at node: String, of host: Host) -> Element? {
        node == "\(Self.node)#\(verification(of: host))" ? host.discoInfo(node: node) : nil
    }

    func items(at node: String, of host: Host) -> Element? { nil }
}

/// The verification string of XEP-0115 §5.1: entities with the same one have the same capabilities.
enum CapabilityHash {
    /// Base 64 of the SHA-1 of a disco#info answer; nil if there is no SHA-1.
    static func verification(of query: Element) -> String? {
        Digest.sha1(Array(text(of: query).utf8)).map(Base64.encode)
    }

    /// The string that is hashed.
    static func text(of query: Element) -> String {
        var identities: [[String]] = []
        var features: [String] = []
        var forms: [[String]] = []
        for child in query.children {
            if child.is("identity", DiscoXML.info) {
                identities.append(["category", "type", "xml:lang", "name"].map { child[$0] ?? "" })
            } else if child.is("feature", DiscoXML.info) {
                features.append(child["var"] ?? "")
            } else if child.is("x", DataForm.namespace), let form = words(of: child) {
                forms.append(form)
            }
        }
        let words =
            identities.sorted(by: isBefore).map { $0.joined(separator: "/") }
            + features.sorted(by: isBefore) + forms.sorted(by: isBefore).joined()
        return words.map { $0 + "<" }.joined()
    }

    /// `FORM_TYPE`, then each field with its values; nil for a form that does not count since it has no hidden `FORM_TYPE`.
    private static func words(of form: Element) -> [String]? {
        var type: String?
        var fields: [[String]] = []
        for field in form.children where field.is("field", DataForm.namespace) {
            let values = field.children.filter { $0.is("value", DataForm.namespace) }.map(\.text)
            if field.attribute("var", equals: "FORM_TYPE") {
                guard field.attribute("type", equals: "hidden") else { return nil }
                type = values.first
            } else {
                fields.append([field["var"] ?? ""] + values.sorted(by: isBefore))
            }
        }
        return type.map { [$0] + fields.sorted(by: isBefore).joined() }
    }

    /// Compares by bytes (RFC 4790 §9.3); Swift compares canonical equivalents as equal.
    private static func isBefore(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }

    private static func isBefore(_ one: [String], _ other: [String]) -> Bool {
        one.lexicographicallyPrecedes(other, by: isBefore)
    }
}
