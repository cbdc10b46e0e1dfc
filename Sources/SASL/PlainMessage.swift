/// The one message of PLAIN (RFC 4616 §2): `[authzid] NUL authcid NUL passwd`.
struct PlainMessage {
    let authzid: String?
    let user: String
    let password: String

    init(parsing bytes: [UInt8]) throws(SASLFailure) {
        let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("PLAIN takes three fields with NUL between them") }
        guard let authzid = String(validating: parts[0], as: UTF8.self),
            let user = String(validating: parts[1], as: UTF8.self),
            let password = String(validating: parts[2], as: UTF8.self)
        else { throw .malformed("not UTF-8") }
        guard !user.isEmpty, !password.isEmpty else { throw .malformed("empty user name or password") }
        self.authzid = authzid.isEmpty ? nil : authzid
        self.user = user
        self.password = password
    }
}
