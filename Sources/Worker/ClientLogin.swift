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
extension ClientConnection {
    func fetchCredentials(_ jid: JID, _ hash: ScramHash) {
        guard let host else { return }
        attempt(jid) { [self] isAllowed in
            var answer = SASLExchange.CredentialsAnswer.temporarilyUnavailable
            if isAllowed {
                (answer, method) = await host.accounts.credentials(
                    jid.local, hash, allowed: listener.options.allowedAuthMethods, from: LoginLimits.origin(of: address))
            }
            perform(stream.handle(.credentials(answer, nonce: RandomPool.take(SASLExchange.nonceLength))))
        }
    }

    func verify(_ jid: JID, _ password: Password) {
        guard let host else { return }
        attempt(jid) { [self] isAllowed in
            var verdict = SASLExchange.PasswordVerdict.temporarilyUnavailable
            if isAllowed {
                (verdict, method) = await host.accounts.verify(
                    jid.local, password, allowed: listener.options.allowedAuthMethods, from: LoginLimits.origin(of: address))
            }
            perform(stream.handle(.verdict(verdict)))
        }
    }

    /// Lets a login with a password begin when the limits of wrong ones let it; no work is done before.
    private func attempt(_ jid: JID, _ work: @escaping @LoopActor @Sendable (_ isAllowed: Bool) async -> Void) {
        endAttempt(.abandoned)
        let limits = listener.shared.logins
        let attempt = limits.begin(from: address, account: jid.description, now: Loop.now, unixTime: WallClock.seconds)
        passwordAttempt = attempt
        Loop.spawn { [self] in
            if let wait = attempt?.wait, wait > 0 {
                await Loop.pause(wait)
                // The client did not stay for the answer.
                guard !stream.isClosed else { return }
            }
            await work(attempt != nil)
            goOn()
        }
    }

    /// Tells the limits how the login went that was under way, if one was.
    func endAttempt(_ outcome: LoginLimits.Outcome) {
        guard let attempt = passwordAttempt else { return }
        passwordAttempt = nil
        listener.shared.logins.end(attempt, outcome, now: Loop.now, unixTime: WallClock.seconds)
    }

    func admit(_ jid: JID) {
        guard let host else { return }
        Loop.spawn { [self] in
            let verdict: SASLExchange.PasswordVerdict
            (verdict, method) = await host.accounts.admit(jid.local, allowed: listener.options.allowedAuthMethods)
            perform(stream.handle(.verdict(verdict)))
            goOn()
        }
    }

    func admitAnonymous() {
        guard let host else { return }
        Loop.spawn { [self] in
            let answer = await host.accounts.admitAnonymous(allowed: listener.options.allowedAuthMethods)
            method = .anonymous
            perform(stream.handle(.anonymous(answer)))
            goOn()
        }
    }

    func authenticated(_ jid: JID, _ mechanism: Mechanism) {
        noteLogin()
        endAttempt(.succeeded)
        listener.metrics?.add(.loginsSucceeded)
        framer.limits = listener.limits
        if let host { connection.setRate(listener.rate(of: jid, on: host)) }
        report("authenticated", [Field("user", jid), Field("mechanism", mechanism.name)])
    }

    func authenticationFailed(_ user: JID?, _ condition: SASLFailure.Condition) {
        listener.metrics?.add(.loginsFailed)
        report("authentication failed", [Field("user", user?.description ?? ""), Field("condition", condition.rawValue)])
        endAttempt(condition == .notAuthorized ? .failed : .abandoned)
    }

    func bind(_ user: JID, _ resource: String?) {
        guard let host else { return }
        guard listener.admits(user, on: host) else {
            perform(stream.handle(.bindRefused(StanzaError(.notAllowed, text: "Access to this listener is denied"))))
            return
        }
        let resource = resource ?? StreamMarkup.randomName()
        Loop.spawn { [self] in
            do throws(StanzaError) {
                let session = try await host.bind(
                    user, resource: resource, connection: connection.id, stream: self, now: WallClock.seconds, method: method)
                guard !stream.isClosed else { return session.end() }
                self.session = session
                report("session bound", [Field("user", user), Field("session", session.jid)])
                perform(stream.handle(.bound(session.jid)))
            } catch {
                perform(stream.handle(.bindRefused(error)))
            }
            goOn()
        }
    }

    /// Goes on with an earlier session, wherever it is (XEP-0198 §5).
    func resume(_ user: JID, _ previous: String, _ handled: UInt32) {
        guard let host else { return }
        guard listener.admits(user, on: host) else { return perform(stream.handle(.resumeRefused(.itemNotFound, handled: nil))) }
        Loop.spawn { [self] in
            switch await host.resume(user, name: previous, handled: handled, connection: connection.id) {
            case .resumed(let session, let count):
                // Should this connection be gone already, the session waits on.
                guard !stream.isClosed else { return }
                self.session = session
                report("session resumed", [Field("user", user), Field("session", session.jid)])
                perform(stream.handle(.resumed(session.jid, handled: count)))
                session.attach(self)
            case .refused(let refusal, let count): perform(stream.handle(.resumeRefused(refusal, handled: count)))
            case .broken(let error): perform(stream.handle(.close(error)))
            }
            goOn()
        }
    }
}
