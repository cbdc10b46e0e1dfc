internal import XML
internal import XMPP

/// What a client says of an account, in the plain fields of XEP-0077 or in a data form, which counts more (§4).
struct RegistrationForm: Equatable {
    private static let forms = "jabber:x:data"

    let username: String?
    let password: String?
    /// The request is to remove the account.
    let isRemoval: Bool
    /// `<remove/>` stands alone, as it must (§3.2).
    let isRemovalAlone: Bool

    init(_ query: Element) {
        let form = query.child("x", Self.forms).flatMap { Self.fields($0) }
        username = Self.text(form.map { $0["username"] } ?? query.child("username")?.text)
        password = Self.text(form.map { $0["password"] } ?? query.child("password")?.text)
        isRemoval = query.has("remove")
        var children = query.children
        isRemovalAlone = isRemoval && children.next() != nil && children.next() == nil
    }

    private static func text(_ text: String?) -> String? { text?.isEmpty == true ? nil : text }

    /// The fields of a submitted form of this protocol by their names; nil for another form.
    private static func fields(_ form: Element) -> [String: String]? {
        guard form.attribute("type", equals: "submit") else { return nil }
        var fields: [String: String] = [:]
        for field in form.children where field.is("field", forms) {
            if let name = field["var"], let value = field.child("value")?.text { fields[name] = value }
        }
        return fields["FORM_TYPE"] == Namespace.register ? fields : nil
    }

    /// What is to be filled in, or, for who has an account, what is known of it.
    static func query(registered username: String? = nil) -> Element {
        let instructions =
            username == nil
            ? "Choose a user name and a password for your account." : "Your account. Send a new password to change it."
        return Element(
            "query", Namespace.register, [:],
            (username == nil ? [] : [Element("registered", Namespace.register)]) + [
                Element("instructions", Namespace.register, text: instructions),
                Element("username", Namespace.register, text: username ?? ""),
                Element("password", Namespace.register),
            ])
    }
}
