internal import XML
internal import XMPP

/// Going on with an earlier session in place of binding a new one (XEP-0198 §5).
extension Negotiation {
    /// An element of stream management from a client that has logged in and has no session.
    func resume(_ element: Element, _ offer: StreamOffer, _ user: JID) -> Step {
        guard offer.takes(element), element.isNamed("resume") else { return tooEarly(element, offer) }
        guard let previous = element["previd"], let handled = StreamManagementXML.handled(element) else {
            return stay([.send(StreamManagementXML.failed(.itemNotFound))])
        }
        return moved(
            to: .resuming(offer, user, previous: previous), [.resume(user: user, previous: previous, handled: handled)])
    }

    /// Nothing of stream management goes before authentication, and only resumption before a session (XEP-0198 §3).
    func tooEarly(_ element: Element, _ offer: StreamOffer) -> Step {
        guard offer.takes(element), element.isNamed("enable") || element.isNamed("resume") else { return reject(element) }
        return stay([.send(StreamManagementXML.failed(.unexpectedRequest))])
    }

    func resumed(_ address: JID, _ handled: UInt32) -> Step {
        guard case .resuming(let offer, let user, let previous) = phase, address.bare == user, address.isFull else {
            return bug()
        }
        let answer = StreamManagementXML.resumed(previous: previous, handled: handled)
        let stream = BoundStream(address: address, offer: offer, language: language)
        return (.established(stream), [.send(answer), .established(address)])
    }

    func resumeRefused(_ refusal: StreamManagementXML.Refusal, _ handled: UInt32?) -> Step {
        guard case .resuming(let offer, let user, _) = phase else { return bug() }
        return moved(
            to: .choosing(offer, .authenticated(user)), [.send(StreamManagementXML.failed(refusal, handled: handled))])
    }
}
