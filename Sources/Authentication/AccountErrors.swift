internal import Storage
internal import XMPP

extension StanzaError {
    /// What a client is told when a method cannot answer; the reason is in the log.
    static let accountsUnavailable = StanzaError(.internalServerError, .wait, text: "Accounts cannot be looked up now")

    /// The same where the server's own database fails; the driver has written the reason.
    init(accounts error: StorageError) {
        self = if case .full = error { StanzaError(.resourceConstraint, .wait) } else { .accountsUnavailable }
    }
}
