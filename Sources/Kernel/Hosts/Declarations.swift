public import Network
public import XML
public import XMPP

/// The declarations of one module to one host: its handlers, features and parts of a session's state. They are installed and
/// removed as a whole, so that a changed option concerns its module alone.
@LoopActor
public struct Declarations {
    public var hooks = Hooks()
    public var iq = IQHandlers()
    public var features = Features()
    /// Stores messages for users without an available resource; nil: this module does not.
    public var offlineStore: (any OfflineStore)?
    /// Answers IQs of clients that have not authenticated, such as registration (XEP-0077); nil: this module does not.
    public var beforeAuthentication: BeforeAuthentication?

    private(set) var userTopics: [String: UserTopicHandler] = [:]
    private(set) var topics: [String: TopicHandler] = [:]
    private(set) var extensions: [String: ExtensionHandler] = [:]
    private(set) var migrationCodecs: [String: SessionStateCodec] = [:]
    private(set) var unloadHandlers: [@LoopActor () -> Void] = []
    /// The names that were declared twice; the first declaration holds.
    private var repeated: [String] = []

    /// Takes the request and the client's address; answers the whole IQ.
    public typealias BeforeAuthentication = @LoopActor (_ request: Stanza, _ address: String) async -> Stanza
    public typealias ExtensionHandler = @LoopActor (_ element: Element, _ session: Session) -> Void
    public typealias UserTopicHandler = @LoopActor (_ user: JID, _ payload: [UInt8], _ sessions: [Session]) -> Void
    public typealias TopicHandler = @LoopActor (_ payload: [UInt8]) -> Void

    public init() {}

    /// Handles the events of `Host.notify`, on each worker that has sessions of the user.
    public mutating func onEvent(_ topic: String, _ handler: @escaping UserTopicHandler) {
        Self.set(&userTopics, topic, handler, &repeated)
    }

    /// Handles the events of `Host.broadcast` and `Host.tell`.
    public mutating func onBroadcast(_ topic: String, _ handler: @escaping TopicHandler) {
        Self.set(&topics, topic, handler, &repeated)
    }

    /// Handles top-level elements of a namespace that are no stanzas (XEP-0352 and others), from clients with a session.
    public mutating func onExtension(_ namespace: String, _ handler: @escaping ExtensionHandler) {
        Self.set(&extensions, namespace, handler, &repeated)
    }

    /// Runs when the module is unloaded: timers are cancelled here.
    public mutating func onUnload(_ handler: @escaping @LoopActor () -> Void) { unloadHandlers.append(handler) }

    /// Encodes the module's part of a session's state when that migrates to another worker, and decodes it there.
    /// - Parameters:
    ///   - name: the same on all workers, old and new.
    ///   - encode: nil if the session has no such part.
    ///   - decode: gives it to the session on its new worker; ignores bytes that it cannot read.
    public mutating func migrate(
        _ name: String, encode: @escaping @LoopActor (Session) -> [UInt8]?,
        decode: @escaping @LoopActor (Session, [UInt8]) -> Void
    ) {
        Self.set(&migrationCodecs, name, SessionStateCodec(encode: encode, decode: decode), &repeated)
    }

    /// Adds the declarations of a module to those of others.
    /// - Returns: the names that are declared twice; the first declaration holds.
    mutating func merge(_ other: Declarations, of module: String) -> [String] {
        hooks.merge(other.hooks, of: module)
        features.merge(other.features)
        var twice = other.repeated + iq.merge(other.iq)
        twice += Self.merge(&userTopics, other.userTopics) + Self.merge(&topics, other.topics)
        twice += Self.merge(&extensions, other.extensions) + Self.merge(&migrationCodecs, other.migrationCodecs)
        if offlineStore != nil, other.offlineStore != nil { twice.append("offline store") }
        if beforeAuthentication != nil, other.beforeAuthentication != nil { twice.append("requests before authentication") }
        offlineStore = offlineStore ?? other.offlineStore
        beforeAuthentication = beforeAuthentication ?? other.beforeAuthentication
        return twice
    }

    private static func set<Handler>(
        _ handlers: inout [String: Handler], _ key: String, _ handler: Handler, _ repeated: inout [String]
    ) {
        if handlers[key] == nil { handlers[key] = handler } else { repeated.append(key) }
    }

    private static func merge<Handler>(_ own: inout [String: Handler], _ other: [String: Handler]) -> [String] {
        let twice = other.keys.filter { own[$0] != nil }
        own.merge(other) { first, _ in first }
        return twice
    }
}
