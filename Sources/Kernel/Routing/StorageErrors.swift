public import Network
public import Storage
public import XMPP

extension StanzaError {
    /// What a client is told when storage fails; the reason is in the log, where the driver wrote it.
    public init(storage error: StorageError) {
        switch error {
        case .full: self.init(.resourceConstraint, .wait)
        case .busy, .unavailable: self.init(.internalServerError, .wait)
        case .corrupt, .constraint, .newerSchema, .outdatedSchema: self.init(.internalServerError)
        }
    }
}

/// Does something with storage. Its failure becomes what the client is told; the reason is in the log, where the driver wrote it.
@LoopActor
public func askStorage<Answer>(
    _ question: @autoclosure @LoopActor () async throws(StorageError) -> Answer
) async throws(StanzaError) -> Answer {
    do throws(StorageError) { return try await question() } catch { throw StanzaError(storage: error) }
}
