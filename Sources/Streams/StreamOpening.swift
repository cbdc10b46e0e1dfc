internal import XML
internal import XMPP

/// Headers: which are taken, and what is said about the others (RFC 6120 §4.7, §4.8, §4.9.3).
extension Negotiation {
    func opened(_ header: StreamHeader, _ offer: StreamOffer?) -> Step {
        // Over WebSocket a client can send a header whenever it likes.
        guard case .opening(let layer, _) = phase else { return close(.policyViolation, "A header out of place") }
        let client = client(of: header, layer)
        let response = ResponseHeader(from: offer?.domain ?? options.defaultDomain, to: client)
        if let error = Self.fault(in: header) { return (.closed, [.open(response), .close(error)]) }
        guard let offer else {
            return (.closed, [.open(response), .close(Self.fault(inAddress: header["to"]))])
        }
        if case .authenticated(let user) = layer, user.domain != offer.domain {
            return (.closed, [.open(response), .close(StreamError(.notAuthorized, text: "Logged in at another host"))])
        }
        var copy = self
        copy.language = StreamLanguage(header, unless: options.language)
        return copy.moved(to: .choosing(offer, layer), [.open(response), .send(offer.features(layer, isCompressed: isCompressed))])
    }

    /// What is wrong with a header, whatever its `to`.
    private static func fault(in header: StreamHeader) -> StreamError? {
        guard header.namespace == Namespace.stream else { return StreamError(.invalidNamespace) }
        guard header.name == "stream" else { return StreamError(.badFormat, text: "The root element is not a stream") }
        guard header.namespaces.content == Namespace.client else { return StreamError(.invalidNamespace) }
        guard isSupported(version: header["version"]) else { return StreamError(.unsupportedVersion) }
        return nil
    }

    /// Versions are two numbers (RFC 6120 §4.7.5); every one from 1.0 on can talk to us.
    private static func isSupported(version: String?) -> Bool {
        let parts = (version ?? "").split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return false
        }
        return parts[0].contains { $0 != "0" }
    }

    /// Why an address is not that of a host here.
    private static func fault(inAddress address: String?) -> StreamError {
        guard let address, !address.isEmpty else { return StreamError(.hostUnknown) }
        return StreamError(JID(address) == nil ? .improperAddressing : .hostUnknown)
    }

    /// Whom the response is to: the address that was proved, else the one that was given, if it is one (RFC 6120 §4.7.2).
    private func client(of header: StreamHeader, _ layer: Layer) -> String? {
        switch layer {
        case .authenticated(let user): user.bareText
        case .clear, .secured: header["from"].flatMap { JID($0) }?.description
        }
    }
}
