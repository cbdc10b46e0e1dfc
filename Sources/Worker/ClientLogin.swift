internal import Authentication
internal import Configuration
internal import Kernel
internal import Network
internal import SASL
internal import SharedState
internal import Streams
internal import Telemetry
internal import XML
internal import XMPP

/// What a client's stream asks of the accounts and of the kernel until it has a session.
extension ClientDriver {
    /// Tells the stream the answer that it waits for; what the client sent meanwhile has its turn then.
    func answer(_ event: ClientStream.Event) {
        handle(event)
        carrier.resumeParsing()
    }

    /// Finds the answer that the stream waits for.
    /// - Parameter find: nil if there is no use for an answer any more, or the stream has it.
    private func answer(with find: @escaping @LoopActor @Sendable (Host) async -> ClientStream.Event?) {
        // A stream asks nothing before it has named its host.
        guard let host else { return end(StreamError(.internalServerError)) }
        Loop.spawn { [self] in
            if let event = await find(host) { handle(event) }
            carrier.resumeParsing()
        }
    }

    /// Answers a login with a password when the limits of wrong ones let it begin; no work is done before.
    /// - Parameter find: gets no host if the limits refuse the attempt.
    private func answerAttempt(_ jid: JID, _ find: @escaping @LoopActor @Sendable (Host?) async -> ClientStream.Event) {
        endAttempt(.abandoned)
        let limits = listener.shared.logins
        let attempt = limits.begin(from: carrier.address, account: jid.description, now: Loop.now, unixTime: WallClock.seconds)
        passwordAttempt = attempt
        answer { [self] host in
            if let wait = attempt?.waitMilliseconds, wait > 0 {
                await Loop.pause(wait)
                // The client did not stay for the answer.
                guard !stream.isClosed else { return nil }
            }
            return await find(attempt == nil ? nil : host)
        }
    }

    /// Tells the limits how the login went that was under way, if one was.
    func endAttempt(_ outcome: LoginLimits.Outcome) {
        guard let attempt = passwordAttempt else { return }
        passwordAttempt = nil
        listener.shared.logins.end(attempt, outcome, now: Loop.now, unixTime: WallClock.seconds)
    }

    // MARK: Accounts

    func fetchCredentials(_ jid: JID, _ hash: ScramHash) {
        answerAttempt(jid) { [self] host in
            var answer = SASLExchange.CredentialsAnswer.temporarilyUnavailable
            if let host {
                (answer, method) = await host.accounts.credentials(
                    jid.local, hash, allowed: listener.options.allowedAuthMethods, from: LoginLimits.origin(of: carrier.address))
            }
            return .credentials(answer, nonce: RandomPool.take(SASLExchange.nonceLength))
        }
    }

    func verify(_ jid: JID, _ password: Password) {
        answerAttempt(jid) { [self] host in
            var verdict = SASLExchange.PasswordVerdict.temporarilyUnavailable
            if let host {
                (verdict, method) = await host.accounts.verify(
                    jid.local, password, allowed: listener.options.allowedAuthMethods,
                    from: LoginLimits.origin(of: carrier.address))
            }
            return .verdict(verdict)
        }
    }

    func admit(_ jid: JID) {
        answer { [self] host in
            let verdict: SASLExchange.PasswordVerdict
            (verdict, method) = await host.accounts.admit(jid.local, allowed: listener.options.allowedAuthMethods)
            return .verdict(verdict)
        }
    }

    func admitAnonymous() {
        answer { [self] host in
            let answer = await host.accounts.admitAnonymous(allowed: listener.options.allowedAuthMethods)
            method = .anonymous
            return .anonymous(answer)
        }
    }

    func register(_ request: Element) {
        answer { [self] host in
            // A reload may have unloaded the module that offered it.
            guard let respond = host.beforeAuthentication else { return .registrationAnswered(hasMadeAccount: false) }
            let reply = await respond(Stanza(.iq, from: nil, to: host.jid, element: request), carrier.address)
            guard !stream.isClosed else { return nil }
            reply.rendered().withUnsafeBytes { carrier.send($0) }
            return .registrationAnswered(hasMadeAccount: reply.isType("result") && request.attribute("type", equals: "set"))
        }
    }

    func authenticated(_ jid: JID, _ mechanism: Mechanism) {
        clock.noteLogin()
        endAttempt(.succeeded)
        listener.metrics?.add(.loginsSucceeded)
        carrier.limits = listener.limits
        if let host { carrier.setRate(listener.rate(of: jid, on: host)) }
        report("authenticated", [Field("user", jid), Field("mechanism", mechanism.name)])
    }

    func authenticationFailed(_ user: JID?, _ condition: SASLFailure.Condition) {
        listener.metrics?.add(.loginsFailed)
        report("authentication failed", [Field("user", user?.description ?? ""), Field("condition", condition.rawValue)])
        endAttempt(condition == .notAuthorized ? .failed : .abandoned)
    }

    // MARK: Sessions

    func bind(_ user: JID, _ resource: String?) {
        answer { [self] host in
            guard listener.admits(user, on: host) else {
                return .bindRefused(StanzaError(.notAllowed, text: "Access to this listener is denied"))
            }
            do throws(StanzaError) {
                let session = try await host.bind(
                    user, resource: resource ?? StreamMarkup.randomName(), connection: carrier.id, stream: carrier,
                    now: WallClock.seconds, method: method)
                guard !stream.isClosed else {
                    session.end()
                    return nil
                }
                self.session = session
                report("session bound", [Field("user", user), Field("session", session.jid)])
                return .bound(session.jid)
            } catch {
                return .bindRefused(error)
            }
        }
    }

    /// Goes on with an earlier session, wherever it is (XEP-0198 §5).
    func resume(_ user: JID, _ previous: String, _ handled: UInt32) {
        answer { [self] host in
            guard listener.admits(user, on: host) else { return .resumeRefused(.itemNotFound, handled: nil) }
            switch await host.resume(user, name: previous, handled: handled, connection: carrier.id) {
            case .resumed(let session, let count):
                // Should this connection be gone already, the session waits on.
                guard !stream.isClosed else { return nil }
                self.session = session
                report("session resumed", [Field("user", user), Field("session", session.jid)])
                // What the client has not got follows the answer.
                handle(.resumed(session.jid, handled: count))
                session.attach(carrier)
                return nil
            case .refused(let refusal, let count): return .resumeRefused(refusal, handled: count)
            case .broken(let error): return .close(error)
            }
        }
    }
}
