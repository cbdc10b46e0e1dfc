internal import COpenSSL
internal import Glibc

extension Connection: TurnParticipant {
    /// The end of a turn: waiting input is delivered, output flushed, a close carried one step further.
    func turnEnded() {
        isDirty = false
        guard !isClosed else { return }
        if closing == .no, !isPaused { releaseHeld() }
        if handshake != nil { sayHello() }
        if closing != .now { flush() }
        switch closing {
        case .no: updateWatch()
        case .afterFlush: closeOutput()
        case .lingering: if hasEnded { finalize() }
        case .now: finalize()
        }
    }

    /// Gives the kernel as much as it takes.
    func flush() {
        guard !writeQueue.isBlocked, handshake == nil else { return noteCongestion() }
        deflateGathered()
        guard let buffer = output, buffer.count > 0 else { return noteCongestion() }
        if session == nil {
            send(buffer.bytes)
            buffer.consume(buffer.count)
        } else {
            encrypt(buffer)
        }
        if buffer.count == 0, givesBuffersBack {
            output = nil
            OutputBuffer.give(buffer)
            NetworkCounters.current.hibernated += 1
        }
        noteCongestion()
    }

    private func noteCongestion() {
        let queued = queuedBytes
        if queued > Self.highWater {
            wasCongested = true
        } else if wasCongested, queued <= Self.lowWater {
            wasCongested = false
            if closing == .no { delegate?.connectionDrained(self) }
        }
    }

    /// Ciphertext, or plaintext without TLS, in order.
    func send(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0, closing != .now else { return }
        NetworkCounters.current.bytesOut += UInt64(bytes.count)
        let failure = writeQueue.send(bytes)
        if failure != 0 { return abort(.broken(errno: failure)) }
        if writeQueue.isBlocked { updateWatch() }
    }

    // MARK: Ending

    /// Ends our side when everything before it has gone out.
    private func closeOutput() {
        guard queuedBytes == 0, handshake == nil || session == nil else {
            // Plaintext behind a handshake that never ended will not be sent.
            if handshake != nil { finalize() }
            return
        }
        if session != nil {
            sendCloseNotify()
            if writeQueue.isBlocked { return }  // comes back here when the alert is out
        }
        if closing == .now || hasEnded { return finalize() }
        closing = .lingering
        held = nil
        shutdown(writeQueue.socket, CInt(SHUT_WR))
        updateWatch()
    }

    /// Gives up the socket and everything else.
    private func finalize() {
        guard !isClosed else { return }
        closing = .now
        isClosed = true
        watch.close()
        writeQueue.drop()
        endPreamble()
        linger?.cancel()
        shaper?.timer?.cancel()
        if handshake != nil { NetworkCounters.current.handshakesFailed += 1 }
        (linger, shaper, held, handshake) = (nil, nil, nil, nil)
        if let output {
            self.output = nil
            OutputBuffer.give(output)
        }
        compression = nil
        if let session { SSL_free(session) }
        session = nil
        listener?.connectionClosed()
        HeapTrim.connectionClosed()
        let last = delegate
        delegate = nil
        last?.connectionClosed(self, reason: reason ?? (hasEnded ? .peerClosed : .broken(errno: 0)))
    }
}
