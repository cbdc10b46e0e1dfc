import COpenSSL

/// TLS on the client's side of a blocking connection. Whatever certificate the server has is taken; a test looks at it.
final class ClientTLS {
    private let context: OpaquePointer
    private let session: OpaquePointer
    /// The last common name of the server's certificate.
    let serverName: String

    /// Shakes hands; the descriptor's own time limits hold.
    /// - Parameter certificate: a file with the certificate to show and its key.
    init(_ descriptor: Int32, domain: String, certificate: String? = nil) throws {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw TestFailure("no context: \(Self.reason)") }
        if let certificate {
            SSL_CTX_use_certificate_chain_file(context, certificate)
            SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM)
        }
        guard let session = SSL_new(context) else {
            SSL_CTX_free(context)
            throw TestFailure("no session: \(Self.reason)")
        }
        var name = Array(domain.utf8CString)
        SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &name)
        // Tickets that come alone are not waited behind.
        SSL_ctrl(session, SSL_CTRL_CLEAR_MODE, Int(SSL_MODE_AUTO_RETRY), nil)
        SSL_set_fd(session, descriptor)
        guard SSL_connect(session) == 1 else {
            let reason = Self.reason
            SSL_free(session)
            SSL_CTX_free(context)
            throw TestFailure("the handshake failed: \(reason)")
        }
        var text: UnsafeMutablePointer<UInt8>?
        let length = copenssl_peer_common_name(session, &text)
        serverName = String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self)
        copenssl_free(text)
        self.context = context
        self.session = session
    }

    deinit {
        SSL_free(session)
        SSL_CTX_free(context)
    }

    /// Bytes that are here already.
    var hasPending: Bool { SSL_pending(session) > 0 }

    /// - Returns: whether the other side took them.
    func send(_ bytes: [UInt8]) -> Bool { bytes.isEmpty || SSL_write(session, bytes, Int32(bytes.count)) == bytes.count }

    /// What is there; nil if that was nothing for the reader, empty at the end.
    func receive() -> [UInt8]? {
        var wantsMore = false
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { room, filled in
            let count = SSL_read(session, room.baseAddress, Int32(room.count))
            wantsMore = count <= 0 && SSL_get_error(session, count) == SSL_ERROR_WANT_READ
            filled = max(0, Int(count))
        }
        return wantsMore ? nil : bytes
    }

    private static var reason: String {
        var text = [CChar](repeating: 0, count: 200)
        copenssl_take_error(&text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
