public import Configuration
internal import Network
internal import SharedState
internal import Telemetry
public import XMPP

/// Resource binding (RFC 6120 §7): one session for each full address, the newest wins (§7.7.2.2).
extension Host {
    /// Sessions that a user may have where no access rule `max_user_sessions` says otherwise; with one more the oldest is closed.
    private static let sessionsPerUser: Int64 = 10
    private static let retryMilliseconds: Int64 = 10

    /// Enters a session for `user`. An older one with the same resource is closed with `conflict`, and given
    /// `replaced_wait_timeout` to go; a user with too many sessions loses the oldest.
    /// - Parameter method: the method that authenticated the user. An anonymous user has one session unless
    ///   `auth.anonymous.allow_multiple_connections` says otherwise.
    public func bind(
        _ user: JID, resource: String, connection: UInt64, stream: any SessionStream, now: Int64,
        method: AuthenticationMethod? = nil
    ) async throws(StanzaError) -> Session {
        var flags: SessionFlags = method == .anonymous ? .anonymous : []
        if stream.isSecure { flags.insert(.secure) }
        let session = Session(
            jid: user.with(resource: resource), connection: connection, host: self, stream: stream, since: now, flags: flags)
        let isAlone = method == .anonymous && configuration.authentication.anonymous?.allowsMultipleConnections != true
        if isAlone, !server.sessions(of: user).isEmpty { throw StanzaError(.conflict) }
        makeRoom(for: user, now: now)
        let record = SessionRecord(
            bare: user.bareText, resource: resource, slot: server.slot, incarnation: server.incarnation,
            connection: connection, flags: flags, since: now, address: stream.address)
        try await enter(record, session.jid)
        if isAlone, server.sessions(of: user).count > 1 {
            server.directory.remove(session.jid, owner: session.owner)
            throw StanzaError(.conflict)
        }
        server.add(session)
        return session
    }

    private func enter(_ record: SessionRecord, _ jid: JID) async throws(StanzaError) {
        let deadline = Loop.now + configuration.replacedWaitTimeout.wholeMilliseconds
        var isTold = false
        do {
            while let old = try server.directory.insert(record) {
                guard server.isLive(old.owner), Loop.now < deadline else {
                    try server.directory.replace(record)
                    return
                }
                if !isTold {
                    server.close(old.owner, StreamError(.conflict, text: "Replaced by a new connection"))
                    isTold = true
                    if old.slot == server.slot { continue }
                }
                await Loop.pause(Self.retryMilliseconds)
            }
        } catch {
            Log.error("session table refuses an entry", [Field("session", jid), Field("error", "\(error)")])
            throw StanzaError(.resourceConstraint)
        }
    }

    private func makeRoom(for user: JID, now: Int64) {
        var bound = Self.sessionsPerUser
        if case .integer(let value) = access("max_user_sessions", for: user) { bound = Int64(value) }
        if case .name("infinity") = access("max_user_sessions", for: user) { return }
        let records = server.records(of: user)
        guard records.count >= Int(clamping: bound) else { return }
        for record in records.sorted(by: { $0.since < $1.since }).prefix(records.count - Int(clamping: bound) + 1) {
            server.close(record.owner, StreamError(.policyViolation, text: "Too many sessions of this account"))
        }
    }
}
