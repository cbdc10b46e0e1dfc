public import Network
public import XML
public import XMPP

/// A request to the host or to an account, as its handler sees it.
public struct IQRequest {
    public let host: Host
    public let stanza: Stanza
    /// The child that says what is asked.
    public let payload: Element
    public let from: JID
    /// The host or the bare address of the account.
    public let to: JID
    /// The session that asks, if it is one of this worker.
    public let session: Session?

    public var isSet: Bool { stanza.isType("set") }
    /// Whether users ask about their own account.
    public var isOwn: Bool { from.bare == to }
}

/// Who answers which request. A handler returns the payload of the result or throws the error; the kernel addresses
/// both, and answers what nobody handles with `service-unavailable` (RFC 6120 §8.4).
@LoopActor
public struct IQHandlers {
    public enum Scope: Hashable, Sendable {
        /// Requests to the host's own address.
        case server
        /// Requests to an account's bare address, and those without an address (RFC 6120 §10.3.3).
        case account
    }

    /// Who has a request to an account answered by its handler. Anybody else gets the error of an account that does not
    /// exist (RFC 6121 §8.5.1).
    public enum Audience: Sendable {
        /// The account's own user.
        case owner
        /// Also contacts that see the user's presence (`from`, `both`).
        case contacts
        /// Everybody: what is told is public. To others than its user, the handler is to answer for an account that does not
        /// exist as for one that has nothing to tell.
        case everyone
    }

    public typealias Immediate = @LoopActor (IQRequest) throws(StanzaError) -> Element?
    public typealias Waiting = @LoopActor (IQRequest) async throws(StanzaError) -> Element?
    /// The payload is XML within `jabber:client` already.
    public typealias Rendered = @LoopActor (IQRequest) async throws(StanzaError) -> [UInt8]?

    enum Handler {
        case immediate(Immediate)
        case waiting(Waiting)
        case rendered(Rendered)
    }

    private struct Key: Hashable {
        let scope: Scope
        let name: String
        let namespace: String
    }

    private var handlers: [Key: Handler] = [:]
    /// Requests that got a second handler; the first holds.
    private var repeated: [Key] = []
    /// Of requests to accounts; the owner's where nothing is said.
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

    /// The same for answers that are large or stored as they are sent: what others ask for again and again need not be read
    /// and rendered each time.
    public mutating func onRendered(_ name: String, _ namespace: String, at scopes: Scope..., answer: @escaping Rendered) {
        for scope in scopes { set(.rendered(answer), for: Key(scope: scope, name: name, namespace: namespace)) }
    }

    /// Has others than the account's own user answered, too.
    public mutating func open(_ name: String, _ namespace: String, to audience: Audience) {
        audiences[Key(scope: .account, name: name, namespace: namespace)] = audience
    }

    /// Adds another module's handlers.
    /// - Returns: the requests that have two handlers, of which the first holds.
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
