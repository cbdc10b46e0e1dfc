internal import Authentication
internal import Configuration
public import Kernel
internal import Network
internal import SASL
internal import Storage
internal import Telemetry
internal import XML
internal import XMPP

/// XEP-0077: clients create accounts, change their passwords and remove them.
public final class Registration: Module {
    public nonisolated static let name = "mod_register"
    public nonisolated static let implements = [XEP(77, "In-Band Registration", version: "2.4")]

    private let access: String
    private let rules: RegistrationRules
    private let welcome: (subject: String, body: String)?
    private let watchers: [JID]

    public init(options: RegistrationOptions) {
        access = options.access
        rules = RegistrationRules(options)
        let hasWelcome = !options.welcomeSubject.isEmpty || !options.welcomeBody.isEmpty
        welcome = hasWelcome ? (options.welcomeSubject, options.welcomeBody) : nil
        watchers = options.watchers.compactMap { JID($0) }
    }

    public func install(_ declarations: inout Declarations, on host: Host) {
        declarations.features.advertise(Namespace.register)
        declarations.beforeAuthentication = { [self, unowned host] request, address in
            do throws(StanzaError) {
                return request.result(try await answer(request, from: address, host))
            } catch {
                return request.failure(error)
            }
        }
        declarations.iq.onWaiting("query", Namespace.register, at: .server, .account) {
            [rules] (request) async throws(StanzaError) in
            try await Self.answer(request, rules)
        }
    }

    // MARK: Before authentication

    private func answer(_ request: Stanza, from address: String, _ host: Host) async throws(StanzaError) -> Element? {
        guard request.isRequest, let query = request.element.child("query", Namespace.register) else {
            throw StanzaError(.badRequest)
        }
        if request.isType("get") { return RegistrationForm.query() }
        let form = RegistrationForm(query)
        guard !form.isRemoval else { throw StanzaError(.unexpectedRequest) }
        try await register(form, from: address, host)
        return nil
    }

    private func register(_ form: RegistrationForm, from address: String, _ host: Host) async throws(StanzaError) {
        guard let username = form.username, let text = form.password else {
            throw StanzaError(.notAcceptable, text: "A user name and a password are needed")
        }
        guard let user = JID.preparedLocal(username) else {
            throw StanzaError(.notAcceptable, text: "This cannot be a user name")
        }
        let password = try rules.accepted(text)
        let jid = JID.prepared(local: user, domain: host.domain)
        guard host.access(access, for: jid) == .allow, rules.allows(address: address) else { throw StanzaError(.forbidden) }
        if let pause = host.server.configuration.general.registrationTimeout?.components.seconds,
            !host.server.claimRegistration(address, pause)
        {
            throw StanzaError(.resourceConstraint, .wait, text: "Accounts are not registered so quickly from one address")
        }
        try await host.accounts.create(user, password)
        host.server.counters.registrations += 1
        Log.info("account registered", [Field("user", jid), Field("address", address)])
        announce(jid, from: address, host)
    }

    private func announce(_ user: JID, from address: String, _ host: Host) {
        if let welcome { send(to: user, subject: welcome.subject, body: welcome.body, host) }
        for watcher in watchers {
            send(to: watcher, body: "The account \(user) was registered from \(address.isEmpty ? "this machine" : address)", host)
        }
    }

    private func send(to jid: JID, subject: String = "", body: String, _ host: Host) {
        let parts = [("subject", subject), ("body", body)].filter { !$0.1.isEmpty }
        host.router.route(
            Stanza(.message, from: host.jid, to: jid, parts.map { Element($0.0, Namespace.client, text: $0.1) }))
    }

    // MARK: With an account

    private static func answer(_ request: IQRequest, _ rules: RegistrationRules) async throws(StanzaError) -> Element? {
        guard request.from.domain == request.host.domain, !request.from.isDomain, request.isOwn || request.to.isDomain else {
            throw StanzaError(.notAllowed)
        }
        let user = request.from.bare
        guard request.isSet else { return RegistrationForm.query(registered: user.local) }
        let form = RegistrationForm(request.payload)
        if form.isRemoval {
            guard form.isRemovalAlone else { throw StanzaError(.badRequest) }
            try await remove(user, request.host)
        } else {
            try await changePassword(of: user, form, request.host, rules)
        }
        return nil
    }

    private static func changePassword(
        of user: JID, _ form: RegistrationForm, _ host: Host, _ rules: RegistrationRules
    ) async throws(StanzaError) {
        guard let username = form.username, let text = form.password else { throw StanzaError(.badRequest) }
        guard JID.preparedLocal(username) == user.local else {
            throw StanzaError(.notAllowed, text: "Only the password of your own account can be changed")
        }
        try await host.accounts.setPassword(user.local, try rules.accepted(text))
        Log.info("password changed", [Field("user", user)])
    }

    /// Removes the account and ends its subscriptions (XEP-0077 §3.2): contacts do not keep a contact that never answers.
    private static func remove(_ user: JID, _ host: Host) async throws(StanzaError) {
        let contacts = try await askStorage(try await host.server.store.rosters.items(UserKey(user)))
        await host.withdrawPresence(of: user, from: contacts.filter(\.isSeen).map { .prepared($0.contact) })
        guard try await host.removeAccount(user) else { throw StanzaError(.registrationRequired) }
        Log.info("account removed by its user", [Field("user", user)])
        for contact in contacts {
            let jid = JID.prepared(contact.contact)
            if contact.seesContact || contact.pendingOut {
                host.router.route(Stanza(.presence, type: "unsubscribe", from: user, to: jid))
            }
            if contact.isSeen || contact.pendingIn {
                host.router.route(Stanza(.presence, type: "unsubscribed", from: user, to: jid))
            }
        }
    }
}
