internal import XML
internal import XMPP

/// Headers: which are taken, and what is said about the others (RFC 6120 §4.7, §4.8, §4.9.3).
extension Negotiation {
    func opened(_ header: StreamHeader, _ offer: StreamOffer?) -> Step {
        // Over WebSocket a client can send a header whenever it likes.
        guard case .opening(let layer, _) = phase else { return close(.policyViolation, "A header out of place") }
        let client = client(of: header, layer)
        let response = ResponseHeader(from: offer?.domain ?? options.defaultDomain, to: client)
        if let error = header.fault(content: Namespace.client) { return (.closed, [.open(response), .close(error)]) }
        guard header.hasSupportedVersion else { return (.closed, [.open(response), .close(StreamError(.unsupportedVersion))]) }
        guard let offer else {
            return (.closed, [.open(response), .close(StreamError(unservedAddress: header["to"]))])
        }
        if case .authenticated(let user) = layer, user.domain != offer.domain {
            return (.closed, [.open(response), .close(StreamError(.notAuthorized, text: "Logged in at another host"))])
        }
        var copy = self
        copy.language = StreamLanguage(header, unless: options.language)
        return copy.moved(to: .choosing(offer, layer), [.open(response), .send(offer.features(layer, isCompressed: isCompressed))])
    }

    /// Whom the response is to: the address that was proved, else the one that was given, if it is one (RFC 6120 §4.7.2).
    private func client(of header: StreamHeader, _ layer: Layer) -> String? {
        switch layer {
        case .authenticated(let user): user.bareText
        case .clear, .secured: header["from"].flatMap { JID($0) }?.description
        }
    }
}

extension StreamHeader {
    /// What is wrong with a header, whatever its version and its addresses. `content`: the namespace of the stanzas.
    func fault(content: String) -> StreamError? {
        guard namespace == Namespace.stream else { return StreamError(.invalidNamespace) }
        guard name == "stream" else { return StreamError(.badFormat, text: "The root element is not a stream") }
        return namespaces.content == content ? nil : StreamError(.invalidNamespace)
    }

    /// Versions are two numbers (RFC 6120 §4.7.5); every one from 1.0 on can talk to us.
    var hasSupportedVersion: Bool {
        let parts = (self["version"] ?? "").split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return false
        }
        return parts[0].contains { $0 != "0" }
    }
}

extension StreamError {
    /// Why an address is not that of a host here.
    init(unservedAddress address: String?) {
        guard let address, !address.isEmpty else {
            self.init(.hostUnknown)
            return
        }
        self.init(JID(address) == nil ? .improperAddressing : .hostUnknown)
    }
}
