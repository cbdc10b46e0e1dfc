public import Configuration
internal import IPC
public import Network
internal import SharedState
internal import Storage
internal import Telemetry
public import XML
public import XMPP

/// One XMPP domain that this server hosts: its modules and what they declared.
@LoopActor
public final class Host {
    public let domain: String
    public let jid: JID
    public unowned let server: Server
    public internal(set) var configuration: HostConfiguration
    public var hooks = Hooks()
    public private(set) var iq = IQHandlers()
    public var features = Features()
    public let accounts: Accounts
    /// Answers IQs of clients that have not authenticated, such as registration (XEP-0077); `nil`: there is no such thing.
    public var beforeAuthentication: BeforeAuthentication?
    public private(set) var modules: [any Module] = []

    /// Takes the request and the client's address; answers the whole IQ.
    public typealias BeforeAuthentication = @LoopActor (_ request: Stanza, _ address: String) async -> Stanza

    private(set) lazy var dispatcher = IQDispatcher(host: self)
    private(set) lazy var delivery = Delivery(host: self)
    private var events: [String: EventHandler] = [:]
    private var broadcasts: [String: BroadcastHandler] = [:]
    private var extensions: [String: ExtensionHandler] = [:]
    private var stops: [@LoopActor () -> Void] = []
    var migrationCodecs: [String: SessionStateCodec] = [:]
    /// What keeps messages for users who are not there; nil: nothing does.
    public var offlineStore: (any OfflineStore)?

    public typealias ExtensionHandler = @LoopActor (_ element: Element, _ session: Session) -> Void

    public typealias EventHandler = @LoopActor (_ user: JID, _ payload: [UInt8], _ sessions: [Session]) -> Void
    public typealias BroadcastHandler = @LoopActor (_ payload: [UInt8]) -> Void

    init(domain: String, server: Server, configuration: HostConfiguration) {
        self.domain = domain
        self.jid = .prepared(local: "", domain: domain)
        self.server = server
        self.configuration = configuration
        accounts = Accounts(domain: domain, server: server, options: configuration.authentication)
    }

    public var router: Router { server.router }

    // MARK: Modules

    /// Loads the modules that the configuration names, in place of those loaded before. What modules keep with
    /// sessions stays, since their keys stay.
    func install(_ catalog: [any Module.Type]) {
        uninstall()
        answerSessionRequests()
        for type in catalog {
            let named = ([type.name] + type.oldNames).lazy.compactMap { self.configuration.modules[$0] }.first
            guard let options = named ?? (type.isAlwaysOn ? .unnamed(type.name, host: domain) : nil) else { continue }
            let module = type.init(options: options)
            module.install(on: self)
            modules.append(module)
        }
    }

    /// Puts other settings in force. Modules whose host has the same as before go on with what they know; they ask for
    /// everything else when they need it.
    func apply(_ configuration: HostConfiguration, _ catalog: [any Module.Type], hasOtherPools: Bool) {
        let hasOtherModules = configuration.modules != self.configuration.modules
        self.configuration = configuration
        accounts.apply(configuration.authentication, hasOtherPools: hasOtherPools)
        if hasOtherModules { install(catalog) }
    }

    func uninstall() {
        for stop in stops { stop() }
        stops = []
        modules = []
        hooks = Hooks()
        iq = IQHandlers()
        features = Features()
        events = [:]
        broadcasts = [:]
        extensions = [:]
        migrationCodecs = [:]
        offlineStore = nil
        beforeAuthentication = nil
    }

    /// Takes top-level elements of a namespace that are no stanzas, from clients with a session (XEP-0352 and its like).
    public func onExtension(_ namespace: String, _ handler: @escaping ExtensionHandler) { extensions[namespace] = handler }

    public var extensionNamespaces: [String] { Array(extensions.keys) }

    public func take(_ element: Element, from session: Session) { extensions[element.namespace]?(element, session) }

    /// Runs when the module is unloaded: timers are cancelled here.
    public func onUnload(_ stop: @escaping @LoopActor () -> Void) { stops.append(stop) }

    // MARK: A user's sessions on all workers

    /// Handles what `notify` sends, on each worker that has sessions of the user.
    public func onEvent(_ topic: String, _ handler: @escaping EventHandler) { events[topic] = handler }

    /// Tells the sessions of a user something, on whichever workers they are; here before this returns.
    public func notify(_ user: JID, _ topic: String, _ payload: [UInt8] = []) {
        var slots: Set<UInt8> = []
        for record in server.sessions(of: user) { slots.insert(record.slot) }
        guard !slots.isEmpty else { return }
        let frame = MeshFrame.event(topic: topic, user: user.bareText, payload: payload).encoded()
        for slot in slots where slot != server.slot { server.mesh?.send(frame, to: slot) }
        if slots.contains(server.slot) { handle(topic, user, payload) }
    }

    func handle(_ topic: String, _ user: JID, _ payload: [UInt8]) {
        server.migration.forward(topic, to: user, payload)
        events[topic]?(user, payload, localSessions(of: user))
    }

    /// The user's sessions of this worker.
    public func localSessions(of user: JID) -> [Session] {
        server.sessions(of: user).compactMap { $0.slot == server.slot ? server.session($0.connection) : nil }
    }

    /// Handles what `broadcast` sends, on every worker.
    public func onBroadcast(_ topic: String, _ handler: @escaping BroadcastHandler) { broadcasts[topic] = handler }

    /// Tells this host on all workers something; here before this returns.
    public func broadcast(_ topic: String, _ payload: [UInt8] = []) {
        let frame = MeshFrame.broadcast(topic: topic, domain: domain, payload: payload).encoded()
        for slot in server.mesh?.peers ?? [] { server.mesh?.send(frame, to: slot) }
        handleBroadcast(topic, payload)
    }

    /// Tells this host on one other worker something. False if that worker cannot be reached.
    @discardableResult
    public func tell(_ slot: UInt8, _ topic: String, _ payload: [UInt8] = []) -> Bool {
        server.mesh?.send(MeshFrame.broadcast(topic: topic, domain: domain, payload: payload).encoded(), to: slot) ?? false
    }

    func handleBroadcast(_ topic: String, _ payload: [UInt8]) { broadcasts[topic]?(payload) }

    // MARK: Accounts

    /// Forgets what was stored for an anonymous user whose last session has ended.
    func forgetAnonymous(_ user: JID) {
        guard server.sessions(of: user).isEmpty else { return }
        let key = UserKey(user: user.local, domain: domain)
        Loop.spawn { [self] in
            do throws(StorageError) {
                if try await server.store.accounts.forget(key) { hooks.accountRemoved.tell(user) }
            } catch {
                Log.error("data of an anonymous user is left over", [Field("user", user), Field("error", "\(error)")])
            }
        }
    }

    /// Removes an account with everything stored for it and ends its sessions (RFC 6120 §4.9.3.12).
    public func removeAccount(_ user: JID) async throws(StanzaError) -> Bool {
        let existed = try await accounts.remove(user.local)
        guard existed else { return false }
        hooks.accountRemoved.tell(user)
        // At the end of the turn: whoever asked for it from one of these sessions is answered before.
        Loop.endOfTurn { [server] in
            for record in server.sessions(of: user) {
                server.close(record.owner, StreamError(.notAuthorized, text: "The account has been removed"))
            }
        }
        return true
    }

    /// The value that an access rule gives a user; rules of the host are tried before global ones.
    public func access(_ rule: String, for user: JID) -> AccessValue? {
        let subject = AccessSubject(
            local: user.isDomain ? nil : user.local, domain: user.domain,
            resource: user.isBare ? nil : user.resource)
        return server.configuration.access(rule: rule, for: subject, on: domain)
    }
}
