internal import XML
internal import XMPP

/// What a client says of an account, in the plain fields of XEP-0077 or in a data form, which counts more (§4).
struct RegistrationForm: Equatable {
    let username: String?
    let password: String?
    /// The request is to remove the account.
    let isRemoval: Bool
    /// `<remove/>` stands alone, as it must (§3.2).
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
