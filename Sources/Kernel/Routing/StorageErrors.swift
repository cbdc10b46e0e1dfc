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
