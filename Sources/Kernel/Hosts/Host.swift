public import Authentication
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
    /// What the modules have declared, all together.
    private var declared = Declarations()
    public var hooks = Hooks()
    public private(set) var iq = IQHandlers()
    public private(set) var features = Features()
    public let accounts: Accounts
    private var loaded: [LoadedModule] = []

    private struct LoadedModule {
        let name: String
        let settings: ModuleSettings
        let module: any Module
        let declarations: Declarations
    }

    private(set) lazy var dispatcher = IQDispatcher(host: self)
    private(set) lazy var delivery = Delivery(host: self)
    private(set) lazy var delayStamp = DelayStamp(of: domain)
    init(domain: String, server: Server, configuration: HostConfiguration) {
        self.domain = domain
        self.jid = .prepared(local: "", domain: domain)
        self.server = server
        self.configuration = configuration
        accounts = Accounts(domain: domain, options: configuration.authentication, server.authentication)
    }

    public var router: Router { server.router }

    // MARK: Modules

    public var modules: [any Module] { loaded.map(\.module) }
    var offlineStore: (any OfflineStore)? { declared.offlineStore }
    var migrationCodecs: [String: SessionStateCodec] { declared.migrationCodecs }
    public var beforeAuthentication: Declarations.BeforeAuthentication? { declared.beforeAuthentication }
    public var extensionNamespaces: [String] { Array(declared.extensions.keys) }

    /// Loads the modules that the configuration names. One that was loaded with the same options stays as it is, with all
    /// that it knows; one whose options have changed is loaded anew. What modules keep with sessions stays in either case.
    /// - Parameter catalog: all modules there are; their order says nothing.
    /// - Returns: in what the modules contradict each other.
    func load(_ catalog: [any Module.Type]) -> [String] {
        var former = Dictionary(loaded.map { ($0.name, $0) }) { first, _ in first }
        loaded = []
        for type in catalog.sorted(by: { $0.name < $1.name }) {
            let named = ([type.name] + type.oldNames).lazy.compactMap { self.configuration.modules[$0] }.first
            guard let settings = named ?? (type.isAlwaysOn ? .unnamed(type.name, host: domain) : nil) else { continue }
            if let same = former[type.name], same.settings == settings {
                former[type.name] = nil
                loaded.append(same)
                continue
            }
            if let old = former.removeValue(forKey: type.name) { Self.unload(old) }
            let module = type.make(settings)
            var declarations = Declarations()
            module.install(&declarations, on: self)
            loaded.append(LoadedModule(name: type.name, settings: settings, module: module, declarations: declarations))
        }
        for old in former.values { Self.unload(old) }
        return mergeDeclarations().map { "\(domain): \($0)" }
    }

    /// Puts other settings in force.
    func apply(_ configuration: HostConfiguration, _ catalog: [any Module.Type], hasOtherPools: Bool) {
        let hasOtherModules = configuration.modules != self.configuration.modules
        self.configuration = configuration
        accounts.apply(configuration.authentication, hasOtherPools: hasOtherPools)
        if hasOtherModules { reload(catalog) }
    }

    /// Loads modules while others serve: where they contradict each other, the first declaration holds.
    func reload(_ catalog: [any Module.Type]) {
        for fault in load(catalog) { Log.error("modules contradict each other", [Field("reason", fault)]) }
    }

    func unloadAll() {
        for module in loaded { Self.unload(module) }
        loaded = []
        _ = mergeDeclarations()
    }

    private static func unload(_ module: LoadedModule) {
        for handler in module.declarations.unloadHandlers { handler() }
    }

    /// All modules that may be configured, which handlers may name.
    private static let moduleNames = Set(OptionTable.moduleNames)

    private func mergeDeclarations() -> [String] {
        declared = .ofHost()
        var faults: [String] = []
        for module in loaded {
            faults += declared.merge(module.declarations, of: module.name).map { "\(module.name) declares what there is: \($0)" }
        }
        faults += declared.hooks.arrange(Self.moduleNames)
        (hooks, iq, features) = (declared.hooks, declared.iq, declared.features)
        return faults
    }

    public func handleExtension(_ element: Element, from session: Session) {
        declared.extensions[element.namespace]?(element, session)
    }

    // MARK: A user's sessions on all workers

    /// Publishes an event to the sessions of a user on all workers; on this one its handlers run before this returns. A worker
    /// whose pipe is full misses it, so nothing may rely on an event alone that cannot be looked up again.
    public func notify(_ user: JID, _ topic: String, _ payload: [UInt8] = []) {
        let event = UserEvent(topic: topic, user: user, payload: payload)
        var connections: [UInt8: [UInt64]] = [:]
        for route in server.sessions(of: user) { connections[route.slot, default: []].append(route.connection) }
        let own = connections.removeValue(forKey: server.slot)
        for (slot, connections) in connections { server.mesh?.send(event.frame(to: connections), to: slot) }
        if let own { handle(event, for: own) }
    }

    /// Runs the handlers of an event for these sessions of this worker, and sends it after those that have migrated.
    func handle(_ event: UserEvent, for connections: [UInt64]) {
        var sessions: [Session] = []
        for connection in connections {
            if let session = server.session(connection) {
                sessions.append(session)
            } else {
                server.migration.followUp(connection, .event(event))
            }
        }
        declared.userTopics[event.topic]?(event.user, event.payload, sessions)
    }

    /// The user's sessions of this worker.
    public func localSessions(of user: JID) -> [Session] {
        server.sessions(of: user).compactMap { $0.slot == server.slot ? server.session($0.connection) : nil }
    }

    /// Publishes something to this host on all workers; on this one its handler runs before this returns. A worker whose pipe is
    /// full misses it.
    public func broadcast(_ topic: String, _ payload: [UInt8] = []) {
        let frame = MeshFrame.broadcast(topic: topic, domain: domain, payload: payload).encoded()
        for slot in server.mesh?.peers ?? [] { server.mesh?.send(frame, to: slot) }
        handleBroadcast(topic, payload)
    }

    /// Sends something to this host on one other worker.
    /// - Returns: false if there is no such worker, or its pipe is full.
    @discardableResult
    public func tell(_ slot: UInt8, _ topic: String, _ payload: [UInt8] = []) -> Bool {
        server.mesh?.send(MeshFrame.broadcast(topic: topic, domain: domain, payload: payload).encoded(), to: slot) ?? false
    }

    func handleBroadcast(_ topic: String, _ payload: [UInt8]) { declared.topics[topic]?(payload) }

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
        // At the end of the turn: a session of the account that asked for the removal is answered before.
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
