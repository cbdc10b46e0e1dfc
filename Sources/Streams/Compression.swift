internal import XML
public import XMPP

/// The request for compression (XEP-0138 §3): after authentication, before a session.
extension Negotiation {
    func compress(_ request: Element, _ offer: StreamOffer, _ layer: Layer) -> Step {
        guard let limit = offer.options.inflationLimit else { return reject(request) }
        let method = request.child("method")?.text ?? ""
        guard case .authenticated = layer, !isCompressed, !method.isEmpty else {
            return stay([.send(.compressionFailure("setup-failed"))])
        }
        guard method == StreamFeatures.compressionMethod else {
            return stay([.send(.compressionFailure("unsupported-method"))])
        }
        var copy = self
        copy.isCompressed = true
        return copy.moved(
            to: .opening(layer, isFirst: false),
            [.send(Element("compressed", Namespace.compression)), .startCompression(limit: limit), .restart])
    }
}

extension Element {
    /// Whether it asks for compression.
    var isCompressionRequest: Bool { `is`("compress", Namespace.compression) }

    /// The refusal of compression, after which the stream goes on as it was.
    static func compressionFailure(_ condition: String) -> Element {
        Element("failure", Namespace.compression, [:], [Element(condition, Namespace.compression)])
    }
}

extension StreamError {
    /// Compressed input that is none (XEP-0138 §4).
    public static let cannotDecompress = StreamError(
        .undefinedCondition,
        detail: Element("failure", Namespace.compression, [:], [Element("processing-failed", Namespace.compression)]))
}
