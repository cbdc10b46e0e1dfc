internal import XML
internal import XMPP

/// The fields of a registration, from the plain elements of XEP-0077 or from a data form, which takes precedence (§4).
struct RegistrationForm: Equatable {
    let username: String?
    let password: String?
    /// Whether the request removes the account.
    let isRemoval: Bool
    /// Whether `<remove/>` stands alone, as §3.2 demands.
    let isRemovalAlone: Bool

    init(_ query: Element) {
        let form = DataForm(in: query).flatMap { $0.kind == .submit && $0.formType == Namespace.register ? $0 : nil }
        username = Self.text(form.map { $0.value("username") } ?? query.child("username")?.text)
        password = Self.text(form.map { $0.value("password") } ?? query.child("password")?.text)
        isRemoval = query.has("remove")
        var children = query.children
        isRemovalAlone = isRemoval && children.next() != nil && children.next() == nil
    }

    private static func text(_ text: String?) -> String? { text?.isEmpty == true ? nil : text }

    /// The fields to fill in or, for an account, their values.
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
