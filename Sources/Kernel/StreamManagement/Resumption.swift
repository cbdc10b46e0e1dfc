internal import Network
internal import SharedState
internal import Storage
internal import Streams
internal import Telemetry
public import XMPP

/// Finds the session that a client wants to resume (XEP-0198 §5), on whichever worker it is, and brings it here.
extension Host {
    public enum Resumption: Sendable {
        /// The session is here and has no connection: `attach` it after the client was told.
        case resumed(Session, handled: UInt32)
        case refused(StreamManagementXML.Refusal, handled: UInt32?)
        /// The client acknowledges more than it was sent; the session has ended.
        case broken(StreamError)
    }

    /// Whether sessions can be resumed here at all.
    public var resumes: Bool { extensionNamespaces.contains(StreamManagementXML.namespace) }

    /// The id by which a session is resumed: its key, and the resource by which it is found.
    public static func resumptionName(key: String, resource: String) -> String { key + resource }

    /// - Parameters:
    ///   - user: who has logged in.
    ///   - name: what `resumptionName` gave.
    ///   - handled: the client's count.
    ///   - connection: the number of the new connection.
    public func resume(_ user: JID, name: String, handled count: UInt32, connection: UInt64) async -> Resumption {
        let characters = Array(name.utf8)
        guard resumes, characters.count > Self.keyCharacters else { return .refused(.itemNotFound, handled: nil) }
        let key = String(decoding: characters[..<Self.keyCharacters], as: UTF8.self)
        let resource = String(decoding: characters[Self.keyCharacters...], as: UTF8.self)
        guard let session = await find(user.with(resource: resource), key, connection) else {
            return .refused(.itemNotFound, handled: await rememberedCount(key))
        }
        guard let streamManagement = session.streamManagement else { return .refused(.itemNotFound, handled: nil) }
        do throws(UnacknowledgedStanzas.TooHigh) {
            try streamManagement.acknowledge(count, session)
        } catch {
            // The client has lost its own count. The session ends, so that its unacknowledged messages are stored for the next.
            session.end()
            return .broken(StreamManagementXML.tooHigh(count, sent: error.sent))
        }
        return .resumed(session, handled: streamManagement.handled(session))
    }

    /// Characters of a key: 18 bytes in Base64.
    public static var keyCharacters: Int { StreamManagementState.keyLength / 3 * 4 }

    private func find(_ jid: JID, _ key: String, _ connection: UInt64) async -> Session? {
        // A session that migrates just now is looked for where it went, at the next attempt.
        for _ in 0..<Self.maxAttempts {
            guard let route = server.session(jid) else { return nil }
            if route.slot != server.slot {
                if let session = await server.migration.claim(route.owner, key: key, connection: connection),
                    !session.hasEnded
                {
                    return session
                }
            } else if let session = server.session(route.connection) {
                guard session.isResumable(with: key) else { return nil }
                session.detach(closingWith: StreamError(.conflict, text: "Resumed by another connection"))
                await withCheckedContinuation { continuation in session.whenSettled { continuation.resume() } }
                // Another client may have been faster, or the session has left.
                if session.stream == nil, server.session(session.connection) === session { return session }
            }
            await Loop.pause(Self.retryMilliseconds)
        }
        return nil
    }

    /// Attempts to find a session that migrates, and the milliseconds between them. After the last one the client is refused
    /// with `item-not-found`.
    private static let maxAttempts = 20
    private static let retryMilliseconds: Int64 = 25

    private func rememberedCount(_ key: String) async -> UInt32? {
        do throws(StorageError) {
            return try await server.store.sessionCounts.find(key, now: ClockText.now)
        } catch {
            Log.error("cannot look up the count of a session", [Field("error", error)])
            return nil
        }
    }
}
