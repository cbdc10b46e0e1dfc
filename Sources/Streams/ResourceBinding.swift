internal import XML
internal import XMPP

/// Resource binding (RFC 6120 §7).
extension Negotiation {
    /// An element from a client that has logged in and has no session yet: a request for one, or the end (§7.1).
    func chosenAfterAuthentication(_ element: Element, _ offer: StreamOffer, _ user: JID) -> Step {
        guard element.is("iq", Namespace.client), let bind = element.child("bind", Namespace.bind) else {
            if element.isCompressionRequest { return compress(element, offer, .authenticated(user)) }
            if element.isIn(StreamManagementXML.namespace) { return resume(element, offer, user) }
            if element.isIn(Namespace.sasl) { return close(.policyViolation, "Already authenticated") }
            if element.is("starttls", Namespace.tls) {
                return (.closed, [.send(Element("failure", Namespace.tls)), .close(nil)])
            }
            return reject(element)
        }
        guard let id = element["id"], element.attribute("type", equals: "set") else {
            return stay([.send(.failure(id: element["id"], StanzaError(.badRequest)))])
        }
        guard let wanted = bind.child("resource")?.text, !wanted.isEmpty else {
            return moved(to: .binding(offer, user, id: id), [.bind(user, resource: nil)])
        }
        guard let resource = JID.preparedResource(wanted) else {
            return stay([.send(.failure(id: id, StanzaError(.badRequest)))])
        }
        return moved(to: .binding(offer, user, id: id), [.bind(user, resource: resource)])
    }

    func bound(_ address: JID) -> Step {
        guard case .binding(let offer, let user, let id) = phase, address.bare == user, address.isFull else {
            return bug()
        }
        let jid = Element("jid", Namespace.bind, text: address.description)
        let result = Element.result(id: id, [Element("bind", Namespace.bind, [:], [jid])])
        let stream = BoundStream(address: address, offer: offer, language: language)
        return (.established(stream), [.send(result), .established(address)])
    }

    func bindRefused(_ error: StanzaError) -> Step {
        guard case .binding(let offer, let user, let id) = phase else { return bug() }
        return moved(to: .choosing(offer, .authenticated(user)), [.send(.failure(id: id, error))])
    }
}

extension Element {
    /// The answer to a request that the stream itself serves.
    static func result(id: String?, _ children: [Element] = []) -> Element {
        Element("iq", Namespace.client, ["type": "result", "id": id], children)
    }

    /// The refusal of such a request.
    static func failure(id: String?, _ error: StanzaError) -> Element {
        Element("iq", Namespace.client, ["type": "error", "id": id], [error.element])
    }
}
