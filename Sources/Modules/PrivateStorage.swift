public import Configuration
public import Kernel
internal import Network
internal import Storage
internal import XML
internal import XMPP

/// XEP-0049: elements that clients store for themselves, one for each namespace and name. A request beyond
/// `PrivateStorageRepository.maxElements` or `maxBytes` of one user gets `resource-constraint`.
public final class PrivateStorage: Module {
    public nonisolated static let name = "mod_private"
    public nonisolated static let implements = [XEP(49, "Private XML Storage", version: "1.2")]

    nonisolated static let namespace = "jabber:iq:private"
    /// Most elements in one request, counted before they are read; a request with more is refused.
    nonisolated static let mostInRequest = 100

    public init(options: NoModuleOptions) {}

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(Self.namespace)
        declarations.features.advertiseAccount(Self.namespace)
        declarations.iq.onRendered("query", Self.namespace, at: .account) { (request) async throws(StanzaError) in
            guard request.isOwn else { throw StanzaError(.forbidden) }
            let elements = try Self.elements(of: request.payload, isSet: request.isSet)
            let store = request.host.server.store.privateStorage
            let key = UserKey(request.to)
            if request.isSet {
                try await Self.set(elements, key, store)
                return nil
            }
            return try await Self.get(elements, key, store)
        }
    }

    /// The elements of a request: at least one, each in a namespace of its own (XEP-0049 §2.3); exactly one in a `get`.
    nonisolated static func elements(of query: Element, isSet: Bool) throws(StanzaError) -> [Element] {
        let elements = Array(query.children)
        guard elements.count <= mostInRequest else {
            throw StanzaError(.resourceConstraint, text: "A request has \(mostInRequest) elements at most")
        }
        guard !elements.isEmpty else { throw StanzaError(isSet ? .notAcceptable : .badRequest) }
        guard isSet || elements.count == 1 else {
            throw StanzaError(.badRequest, text: "A query names one element")
        }
        guard !elements.contains(where: { $0.isIn(namespace) || $0.isIn("") || $0.isIn(Namespace.client) }) else {
            throw StanzaError(.notAcceptable, text: "An element needs a namespace of its own")
        }
        return elements
    }

    private static func set(
        _ elements: [Element], _ key: UserKey, _ store: PrivateStorageRepository
    ) async throws(StanzaError) {
        let kept = elements.map { element in
            PrivateStorageRepository.Element(
                namespace: element.namespace, name: element.name, xml: element.rendered(within: Namespace.client))
        }
        switch try await askStorage(try await store.set(key, kept)) {
        case .stored: return
        case .full: throw StanzaError(.resourceConstraint, text: "As much is stored as may be")
        }
    }

    /// Answers with the stored element, or with the empty one of the request if there is none.
    private static func get(
        _ elements: [Element], _ key: UserKey, _ store: PrivateStorageRepository
    ) async throws(StanzaError) -> [UInt8] {
        var answer = Array("<query xmlns='\(namespace)'>".utf8)
        for asked in elements {
            let bytes = try await askStorage(try await store.get(key, namespace: asked.namespace, name: asked.name))
            answer += bytes ?? Element(asked.name, asked.namespace).rendered(within: Namespace.client)
        }
        return answer + Array("</query>".utf8)
    }
}
