internal import COpenSSL

/// What a finished handshake agreed on, taken at one moment.
public struct TLSFacts: Sendable, Equatable {
    /// Whether the peer's certificate, if it showed one, may be relied on.
    public enum Verification: Sendable, Equatable {
        case noCertificate, good
        /// Also one that has signed itself and is let through by `selfsigned_peer`: it proves nothing, anybody can make it.
        case bad(String)
    }

    /// `TLSv1.2`, `TLSv1.3` …
    public let version: String
    /// OpenSSL's name of the cipher suite.
    public let cipher: String
    /// The name that the client asked for (SNI).
    public let serverName: String?
    /// The ALPN protocol agreed on.
    public let alpn: String?
    /// The RFC 9266 `tls-exporter` channel binding: 32 bytes; nil before TLS 1.3 without extended master secret.
    public let exporter: [UInt8]?
    /// The RFC 5929 `tls-server-end-point` hash of our certificate; nil if its signature algorithm defines none.
    public let serverEndPoint: [UInt8]?
    /// The RFC 5929 `tls-unique` channel binding; nil in TLS 1.3 and without extended master secret.
    public let unique: [UInt8]?
    /// The client's certificate in DER.
    public let peerCertificate: [UInt8]?
    public let verification: Verification
    /// The XMPP addresses (id-on-xmppAddr) in the client's certificate, in their order.
    public let peerAddresses: [String]
    /// The last common name of the subject of the client's certificate.
    public let peerCommonName: String?

    init(session: OpaquePointer) {
        version = String(cString: SSL_get_version(session))
        cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(session)).map { String(cString: $0) } ?? ""
        serverName = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
        alpn = Self.alpn(session)
        exporter = Self.bytes(capacity: 32) { copenssl_channel_binding(session, $0) == 1 ? 32 : 0 }
        serverEndPoint = Self.bytes(capacity: Int(EVP_MAX_MD_SIZE)) { Int(copenssl_server_end_point(session, $0)) }
        unique = Self.bytes(capacity: Int(EVP_MAX_MD_SIZE)) { copenssl_first_finished(session, $0, Int(EVP_MAX_MD_SIZE)) }
        peerCertificate = Self.peerCertificate(session)
        let result = SSL_get_verify_result(session)
        verification =
            peerCertificate == nil
            ? .noCertificate
            : result == Int(X509_V_OK)
                ? .good
                : .bad(String(cString: X509_verify_cert_error_string(result)))
        peerAddresses = peerCertificate == nil ? [] : Self.addresses(session)
        peerCommonName = peerCertificate == nil ? nil : Self.commonName(session)
    }

    private static func bytes(capacity: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) -> [UInt8]? {
        let result = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            count = buffer.baseAddress.map(fill) ?? 0
        }
        return result.isEmpty ? nil : result
    }

    private static func addresses(_ session: OpaquePointer) -> [String] {
        (0..<addressLimit).lazy.map { place in
            text { copenssl_peer_xmpp_address(session, place, $0) }
        }.prefix { $0 != nil }.compactMap { $0 }
    }

    private static let addressLimit: Int32 = 64

    private static func commonName(_ session: OpaquePointer) -> String? {
        text { copenssl_peer_common_name(session, $0) }
    }

    /// Text that OpenSSL allocates; nil for none, and for what is no UTF-8 or has a NUL in it.
    private static func text(_ read: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int) -> String? {
        var bytes: UnsafeMutablePointer<UInt8>?
        let length = read(&bytes)
        guard let bytes else { return nil }
        defer { copenssl_free(bytes) }
        let view = UnsafeBufferPointer(start: bytes, count: length)
        return view.contains(0) ? nil : String(validating: view, as: UTF8.self)
    }

    private static func alpn(_ session: OpaquePointer) -> String? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &length)
        guard let name, length > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    private static func peerCertificate(_ session: OpaquePointer) -> [UInt8]? {
        var der: UnsafeMutablePointer<UInt8>?
        let length = copenssl_peer_certificate(session, &der)
        guard let der, length > 0 else { return nil }
        defer { copenssl_free(der) }
        return Array(UnsafeBufferPointer(start: der, count: length))
    }
}
