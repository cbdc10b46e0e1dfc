internal import COpenSSL

/// What the certificate says that another server has shown, and whether that may be relied on.
public struct PeerCertificateFacts: Sendable, Equatable {
    /// Names of each kind, and purposes; more are not looked at, and prove nothing.
    public static let limit = 256
    /// Bytes of the longest text that is looked at: no address is longer (RFC 7622 §3.1).
    private static let longest = 3071

    /// Whether an authority that we trust vouches for it, for a server, now. Says nothing about names.
    public let isTrusted: Bool
    /// OpenSSL's words for what is wrong; nil if it is trusted.
    public let untrustedReason: String?
    /// As they are in the certificate: a wildcard with its `*`, internationalized names in ASCII.
    public let dnsNames: [String]
    /// RFC 4985, with the name of the service in front.
    public let srvNames: [String]
    /// RFC 6120 §13.7.1.4.
    public let xmppAddresses: [String]
    /// In OpenSSL's words; none: it is for every purpose.
    public let purposes: [String]
    /// When its validity begins and ends, in seconds since 1970.
    public let notBefore: Int64
    public let notAfter: Int64
    public let isSelfSigned: Bool

    /// As a test says it is.
    public init(
        isTrusted: Bool, untrustedReason: String? = nil, dnsNames: [String] = [], srvNames: [String] = [],
        xmppAddresses: [String] = [], purposes: [String] = [], notBefore: Int64 = 0, notAfter: Int64 = .max,
        isSelfSigned: Bool = false
    ) {
        self.isTrusted = isTrusted
        self.untrustedReason = untrustedReason
        self.dnsNames = dnsNames
        self.srvNames = srvNames
        self.xmppAddresses = xmppAddresses
        self.purposes = purposes
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.isSelfSigned = isSelfSigned
    }

    /// Nil if there is none. Never that of an earlier session: with other servers none is taken up again.
    init?(session: OpaquePointer) {
        var (begin, end, isOwn) = (Int64(0), Int64(0), Int32(0))
        guard copenssl_peer_validity(session, &begin, &end, &isOwn) == 1 else { return nil }
        let result = SSL_get_verify_result(session)
        let isJudged = SSL_get_verify_mode(session) & SSL_VERIFY_PEER != 0
        isTrusted = isJudged && result == Int(X509_V_OK)
        untrustedReason =
            isTrusted ? nil : isJudged ? String(cString: X509_verify_cert_error_string(result)) : "it has not been looked at"
        let texts = Texts()
        copenssl_read_peer(
            session,
            { taker, kind, bytes, length in
                guard let taker, let bytes else { return }
                let texts = Unmanaged<Texts>.fromOpaque(taker).takeUnretainedValue()
                texts.take(Int(kind), UnsafeBufferPointer(start: bytes, count: length))
            }, Unmanaged.passUnretained(texts).toOpaque())
        dnsNames = texts.of(COPENSSL_DNS_NAME)
        srvNames = texts.of(COPENSSL_SRV_NAME)
        xmppAddresses = texts.of(COPENSSL_XMPP_ADDRESS)
        purposes = texts.of(COPENSSL_PURPOSE)
        (notBefore, notAfter, isSelfSigned) = (begin, end, isOwn != 0)
    }

    /// What has been read, by kind.
    private final class Texts {
        private var byKind: [Int: [String]] = [:]

        /// No UTF-8 and texts with a NUL in them, which ends them for some who read them, are no names.
        func take(_ kind: Int, _ bytes: UnsafeBufferPointer<UInt8>) {
            guard byKind[kind, default: []].count < PeerCertificateFacts.limit, bytes.count <= PeerCertificateFacts.longest,
                !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self)
            else { return }
            byKind[kind, default: []].append(text)
        }

        func of(_ kind: some BinaryInteger) -> [String] { byKind[Int(kind)] ?? [] }
    }
}
