internal import COpenSSL
internal import Resolver

extension Connection {
    /// How much ciphertext may wait while more is received. What we write is encrypted only as the socket takes it, so
    /// beyond this the peer makes OpenSSL answer (alerts, key updates) without reading the answers.
    private static let answerLimit = 512 * 1024

    /// The facts of the finished handshake; nil without TLS.
    public var tls: TLSFacts? {
        guard let session, handshake == nil else { return nil }
        return TLSFacts(session: session)
    }

    /// Whether TLS has been started, finished or not.
    public var isSecure: Bool { session != nil }

    /// From here on the peer speaks TLS, and begins. What was written before goes out as it is; what was received before and
    /// not yet delivered is dropped, so that nothing sent in the clear is ever taken for protected (RFC 6120 §5.4.3.3).
    /// What is written before the handshake is done waits for it.
    public func startTLS(_ contexts: TLSContextSet) {
        startTLS(Handshake(contexts)) { TLSEngine.makeSession(contexts.standard) }
    }

    /// The same where we begin.
    ///
    /// - Parameters:
    ///   - context: made for this (`TLSRole.callsServers`), with the certificate that the peer is shown if it asks.
    ///   - domain: what the peer is to be, in ASCII; it is asked for by SNI, whatever host was connected to.
    ///   - isDirect: TLS is spoken from the first byte, so ALPN says what follows (XEP-0368).
    public func callTLS(_ context: TLSContext, domain: String, isDirect: Bool) {
        // An address is no name for SNI (RFC 6066 §3).
        let isName = ServerTargets(literal: domain, port: 0) == nil && !domain.utf8.contains(0)
        startTLS(Handshake(nil)) {
            TLSEngine.makeSession(calling: context, name: isName ? domain : nil, offersALPN: isDirect)
        }
        markDirty()
    }

    private func startTLS(_ handshake: Handshake, _ make: () -> OpaquePointer?) {
        guard closing == .no, !isClosed, session == nil else { return }
        if let buffer = output {
            send(buffer.bytes)
            output = nil
            OutputBuffer.give(buffer)
        }
        let ended = held?.ended ?? false
        held = nil
        guard let created = make() else { return abort(.tls(TLSContext.problem(.session))) }
        session = created
        if !givesBuffersBack { SSL_ctrl(created, SSL_CTRL_CLEAR_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil) }
        self.handshake = handshake
        if ended { peerEnded() }
    }

    /// Whoever calls speaks first: at the end of the turn, when no other call into OpenSSL is under way.
    func sayHello() {
        guard let session, let handshake, handshake.isToBegin, closing == .no else { return }
        handshake.isToBegin = false
        TLSEngine.setInput(UnsafeRawBufferPointer(start: nil, count: 0))
        ERR_clear_error()
        _ = advanceHandshake(session, 0)
        TLSEngine.takeOutput { send($0) }
    }

    /// What the certificate of another server says; nil without one, or without TLS.
    public var peerCertificate: PeerCertificateFacts? {
        guard let session, handshake == nil else { return nil }
        return PeerCertificateFacts(session: session)
    }

    /// Feeds ciphertext to OpenSSL and delivers what comes out. How many bytes it took before reading was paused.
    func decrypt(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let session else { return bytes.count }
        TLSEngine.setInput(bytes)
        ERR_clear_error()
        if handshake == nil || advanceHandshake(session, bytes.count) { deliverRecords(session) }
        TLSEngine.takeOutput { send($0) }
        if writeQueue.queued > Self.answerLimit { abort(.tls(TLSProblem(.session, "the peer does not read"))) }
        return bytes.count - TLSEngine.takeRest()
    }

    /// Whether the handshake is done.
    private func advanceHandshake(_ session: OpaquePointer, _ count: Int) -> Bool {
        guard let handshake else { return true }
        handshake.bytes += count
        TLSEngine.contexts = handshake.contexts
        let result = SSL_do_handshake(session)
        TLSEngine.contexts = nil
        if result == 1 {
            self.handshake = nil
            NetworkCounters.current.handshakes += 1
            TLSEngine.takeOutput { send($0) }
            if output?.count ?? 0 > 0 { markDirty() }
            delegate?.connectionSecured(self)
            return closing == .no
        }
        if SSL_get_error(session, result) != SSL_ERROR_WANT_READ {
            fail(.handshake)
        } else if handshake.bytes > Self.handshakeLimit {
            abort(.tls(TLSProblem(.handshake, "too long")))
        }
        return false
    }

    private func deliverRecords(_ session: OpaquePointer) {
        let room = TLSEngine.plaintext
        while closing == .no, !isHeldBack {
            let count = SSL_read(session, room.baseAddress, Int32(room.count))
            if count > 0 {
                deliver(UnsafeRawBufferPointer(rebasing: room[..<Int(count)]))
                continue
            }
            switch SSL_get_error(session, count) {
            case SSL_ERROR_WANT_READ: return
            case SSL_ERROR_ZERO_RETURN:
                TLSEngine.setInput(UnsafeRawBufferPointer(start: nil, count: 0))  // nothing counts after close_notify
                return peerEnded()
            default: return fail(.session)
            }
        }
    }

    /// OpenSSL has given up: its alert goes out, then the connection ends.
    private func fail(_ part: TLSProblem.Part) {
        let problem = TLSContext.problem(part, "the peer broke the protocol")
        TLSEngine.takeOutput { send($0) }
        TLSEngine.setInput(UnsafeRawBufferPointer(start: nil, count: 0))
        abort(.tls(problem))
    }

    /// Encrypts what has been gathered, until it is all sent or the socket is full.
    func encrypt(_ buffer: OutputBuffer) {
        guard let session else { return }
        ERR_clear_error()
        while buffer.count > 0, !writeQueue.isBlocked, closing != .now {
            let count = min(buffer.count, TLSEngine.recordLimit)
            guard SSL_write(session, buffer.bytes.baseAddress, Int32(count)) == Int32(count) else { return fail(.session) }
            buffer.consume(count)
            // One system call for several records.
            if buffer.count == 0 || TLSEngine.outputCount > 4 * TLSEngine.recordLimit { TLSEngine.takeOutput { send($0) } }
        }
    }

    func sendCloseNotify() {
        guard let session, handshake == nil, SSL_get_shutdown(session) & SSL_SENT_SHUTDOWN == 0 else { return }
        ERR_clear_error()
        SSL_shutdown(session)
        TLSEngine.takeOutput { send($0) }
    }
}
