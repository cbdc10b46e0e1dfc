internal import XML
internal import XMPP

/// A stream with a session: stanzas pass, and little else happens until its end.
struct BoundStream: Sendable {
    let address: JID
    let offer: StreamOffer

    typealias Step = Negotiation.Step

    func step(_ event: ClientStream.Event) -> Step {
        switch event {
        case .element(let element): received(element)
        case .footer: (.closed, [.close(nil)])
        case .malformed(let malformed): (.closed, [.close(StreamError(malformed: malformed))])
        case .timeout: (.closed, [.close(StreamError(.connectionTimeout))])
        case .close(let error): (.closed, [.close(error)])
        case .disconnected: (.closed, [.drop])
        case .header: close(.policyViolation, "A header out of place")
        case .secured, .credentials, .verdict, .anonymous, .registered, .bound, .bindRefused, .resumed, .resumeRefused:
            close(.internalServerError)
        }
    }

    /// Which stanza this is, if it is to be delivered and nothing else.
    func deliverable(_ element: Element) -> Stanza.Kind? {
        guard let kind = Stanza.kind(of: element), isFromHere(element) else { return nil }
        return kind == .iq && isForStream(element) ? nil : kind
    }

    private func received(_ element: Element) -> Step {
        if let kind = deliverable(element) { return stay([.deliver(kind, element)]) }
        guard Stanza.kind(of: element) != nil else {
            if element.is("error", Namespace.stream) { return (.closed, [.close(nil)]) }
            if offer.options.inflationLimit != nil, element.isCompressionRequest {
                return stay([.send(.compressionFailure("setup-failed"))])
            }
            if offer.takes(element) { return stay([.deliverExtension(element)]) }
            return close(element.unknownCondition)
        }
        guard isFromHere(element) else { return close(.invalidFrom) }
        return served(element)
    }

    /// A request that the stream answers: the session of RFC 3921 §3, which needs nothing any more, or a second binding.
    private func served(_ request: Element) -> Step {
        guard let id = request["id"], request.attribute("type", equals: "set") else {
            return stay([.send(.failure(id: request["id"], StanzaError(.badRequest)))])
        }
        guard request.has("session", Namespace.session) else {
            return stay([.send(.failure(id: id, StanzaError(.notAllowed)))])
        }
        return stay([.send(.result(id: id))])
    }

    /// Whether the sender is not given, or is this very session or its account (RFC 6120 §8.1.2.1).
    private func isFromHere(_ element: Element) -> Bool {
        guard let from = element["from"] else { return true }
        guard let sender = JID(from) else { return false }
        return sender == address || sender == address.bare
    }

    /// Whether an IQ asks the stream itself, not somebody behind it.
    private func isForStream(_ element: Element) -> Bool {
        guard element.has("bind", Namespace.bind) || element.has("session", Namespace.session),
            element.attribute("type", equals: "set") || element.attribute("type", equals: "get")
        else { return false }
        guard let to = element["to"].map({ JID($0) }) else { return true }
        return to == address.server || to == address.bare
    }

    private func stay(_ actions: [ClientStream.Action]) -> Step { (.established(self), actions) }

    private func close(_ condition: StreamError.Condition, _ text: String? = nil) -> Step {
        (.closed, [.close(StreamError(condition, text: text))])
    }
}
