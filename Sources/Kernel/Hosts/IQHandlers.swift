public import Network
public import XML
public import XMPP

/// A request to the host or to an account, as its handler sees it.
public struct IQRequest {
    public let host: Host
    public let stanza: Stanza
    /// The child element of the request.
    public let payload: Element
    public let from: JID
    /// The host or the bare address of the account.
    public let to: JID
    /// The session of the asker, if it is on this worker.
    public let session: Session?

    public var isSet: Bool { stanza.isType("set") }
    /// Whether the request is a user's to its own account.
    public var isOwn: Bool { from.bare == to }
}

/// The handlers of IQ requests. A handler returns the payload of the result or throws the error; the kernel addresses both.
/// A request without a handler gets `service-unavailable` (RFC 6120 §8.4).
@LoopActor
public struct IQHandlers {
    public enum Scope: Hashable, Sendable {
        /// Requests to the host's own address.
        case server
        /// Requests to an account's bare address, and those without an address (RFC 6120 §10.3.3).
        case account
    }

    /// The askers that the handler of a request to an account answers. Any other gets the error of an account that does not
    /// exist (RFC 6121 §8.5.1).
    public enum Audience: Sendable {
        /// The account's own user.
        case owner
        /// Also contacts that see the user's presence (`from`, `both`).
        case contacts
        /// Any asker: the answer is public. To others than its user, the handler must answer for an account that does not exist as
        /// for one without data.
        case everyone
    }

    public typealias Immediate = @LoopActor (IQRequest) throws(StanzaError) -> Element?
    public typealias Waiting = @LoopActor (IQRequest) async throws(StanzaError) -> Element?
    /// The payload is rendered XML within `jabber:client`.
    public typealias Rendered = @LoopActor (IQRequest) async throws(StanzaError) -> [UInt8]?

    enum Handler {
        case immediate(Immediate)
        case waiting(Waiting)
        case rendered(Rendered)
    }

    struct Key: Hashable {
        let scope: Scope
        let name: String
        let namespace: String
    }

    private(set) var handlers: [Key: Handler] = [:]
    /// Requests with a second handler; the first one holds.
    private var repeated: [Key] = []
    /// The audiences of requests to accounts; without an entry: the owner.
    private var audiences: [Key: Audience] = [:]

    init() {}

    /// A handler that answers at once. It serves `get` and `set`; `IQRequest.isSet` tells which.
    public mutating func on(_ name: String, _ namespace: String, at scopes: Scope..., answer: @escaping Immediate) {
        for scope in scopes { set(.immediate(answer), for: Key(scope: scope, name: name, namespace: namespace)) }
    }

    /// A handler that waits for storage; the next stanzas of the asking client wait with it.
    public mutating func onWaiting(_ name: String, _ namespace: String, at scopes: Scope..., answer: @escaping Waiting) {
        for scope in scopes { set(.waiting(answer), for: Key(scope: scope, name: name, namespace: namespace)) }
    }

    private mutating func set(_ handler: Handler, for key: Key) {
        if handlers[key] == nil { handlers[key] = handler } else { repeated.append(key) }
    }

    /// The same for answers that are large or stored as they are sent: they are not parsed and rendered anew for each request.
    public mutating func onRendered(_ name: String, _ namespace: String, at scopes: Scope..., answer: @escaping Rendered) {
        for scope in scopes { set(.rendered(answer), for: Key(scope: scope, name: name, namespace: namespace)) }
    }

    /// Opens a request to an account to others than its own user.
    public mutating func open(_ name: String, _ namespace: String, to audience: Audience) {
        audiences[Key(scope: .account, name: name, namespace: namespace)] = audience
    }

    /// Adds another module's handlers.
    /// - Returns: the requests with two handlers; the first one holds.
    mutating func merge(_ other: IQHandlers) -> [String] {
        let twice = (other.repeated + other.handlers.keys.filter { handlers[$0] != nil }).map { key in
            "\(key.name) \(key.namespace) to the \(key.scope)"
        }
        handlers.merge(other.handlers) { first, _ in first }
        audiences.merge(other.audiences) { first, _ in first }
        return twice
    }

    func audience(of payload: Element) -> Audience {
        audiences[Key(scope: .account, name: payload.name, namespace: payload.namespace)] ?? .owner
    }

    func handler(for payload: Element, at scope: Scope) -> Handler? {
        handlers[Key(scope: scope, name: payload.name, namespace: payload.namespace)]
    }
}
