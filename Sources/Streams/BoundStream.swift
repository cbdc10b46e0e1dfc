internal import XML
internal import XMPP

/// A stream with a session: stanzas pass, and little else happens until its end.
struct BoundStream: Sendable {
    let address: JID
    let offer: StreamOffer
    let language: StreamLanguage?

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
        case .secured, .credentials, .verdict, .anonymous, .registrationAnswered, .bound, .bindRefused, .resumed, .resumeRefused:
            close(.internalServerError)
        }
    }

    /// Which stanza this is, if it is to be delivered and nothing else.
    func deliverable(_ element: Element) -> Stanza.Kind? {
        guard let kind = Stanza.kind(of: element), isFromHere(element) else { return nil }
        return kind
    }

    /// A stanza as it goes on: with the language of the stream, where it names none itself.
    func inLanguage(_ element: Element) -> Element {
        guard let language else { return element }
        return language.stamped(element)
    }

    private func received(_ element: Element) -> Step {
        if let kind = deliverable(element) { return stay([.deliver(kind, inLanguage(element))]) }
        guard Stanza.kind(of: element) != nil else {
            if element.is("error", Namespace.stream) { return (.closed, [.close(nil)]) }
            if offer.options.inflationLimit != nil, element.isCompressionRequest {
                return stay([.send(.compressionFailure("setup-failed"))])
            }
            if offer.takes(element) { return stay([.deliverExtension(element)]) }
            return close(element.unknownCondition)
        }
        return close(.invalidFrom)
    }

    /// Whether the sender is not given, or is this very session or its account (RFC 6120 §8.1.2.1).
    private func isFromHere(_ element: Element) -> Bool {
        guard let from = element["from"] else { return true }
        guard let sender = JID(from) else { return false }
        return sender == address || sender == address.bare
    }

    private func stay(_ actions: [ClientStream.Action]) -> Step { (.established(self), actions) }

    private func close(_ condition: StreamError.Condition, _ text: String? = nil) -> Step {
        (.closed, [.close(StreamError(condition, text: text))])
    }
}
