/// What a client certificate that was verified says of its owner.
public struct ClientCertificate: Sendable, Equatable {
    /// The addresses in `id-on-xmppAddr` (RFC 6120 §13.7.1.4), as the certificate has them.
    public var addresses: [String]
    /// The subject's common name, the last if there are several.
    public var commonName: String?

    public init(addresses: [String] = [], commonName: String? = nil) {
        self.addresses = addresses
        self.commonName = commonName
    }
}

/// A way in which a certificate becomes a user (`auth.sasl_external`). The rules are tried in the order of the list.
public enum CertificateRule: String, Sendable, CaseIterable {
    /// The certificate names its users by their addresses (XEP-0178 §2).
    case standard
    /// A certificate without addresses names its user by the common name.
    case commonName = "common_name"
    /// The client says whom a certificate without addresses is for.
    case clientsWord = "auth_id"
}

/// The one message of EXTERNAL (RFC 4422 appendix A) against a certificate.
struct ExternalLogin {
    let certificate: ClientCertificate
    let rules: [CertificateRule]
    let naming: SASLNaming

    /// The user that the client may be, given the identity it asks for; no bytes ask for that of the certificate.
    func user(_ message: [UInt8]) throws(SASLFailure) -> String {
        guard let text = String(validating: message, as: UTF8.self), !message.contains(0) else { throw .malformed("not UTF-8") }
        var wanted: String?
        if !text.isEmpty {
            guard let owner = naming.owner(text) else { throw SASLFailure(.invalidAuthzid) }
            wanted = owner
        }
        for rule in rules {
            let users = users(rule, wanted)
            if let wanted, users.contains(wanted) { return wanted }
            // Of several users without a word of the client none is meant (XEP-0178 §2).
            if wanted == nil, users.count == 1, let only = users.first { return only }
        }
        throw .notAuthorized
    }

    /// Whom the certificate names, if one goes by a rule.
    private func users(_ rule: CertificateRule, _ wanted: String?) -> Set<String> {
        switch rule {
        case .standard: Set(certificate.addresses.compactMap(naming.owner))
        case .commonName where certificate.addresses.isEmpty:
            certificate.commonName.flatMap { naming.user($0) ?? naming.owner($0) }.map { [$0] } ?? []
        case .clientsWord where certificate.addresses.isEmpty: wanted.map { [$0] } ?? []
        case .commonName, .clientsWord: []
        }
    }
}
